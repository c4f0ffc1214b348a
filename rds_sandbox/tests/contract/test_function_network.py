"""Where a function's connections come from: its network interface, or one of AWS's addresses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.functions import code_of, deploy, invoke, make_role, package, permit_interfaces, settle, wanted
from tests.instance import refused
from tests.support import Client, from_address, make_client, make_group, reset, tcp, wait_for, wait_until
from tests.support import wanted as wanted_instance

AWSS = "arn:aws:iam::aws:policy/service-role"
LAMBDA_ADDRESS = "192.0.2.44"
SOURCE = """
    import socket, struct

    kept = []

    def handler(event, context):
        if event.get("kept"):
            return kept[0].getsockname()[1]
        connection = socket.create_connection(event["endpoint"], timeout=2)
        connection.sendall(struct.pack("!II", 8, 80877103))  # SSLRequest
        kept[:] = [connection]
        try:
            return connection.recv(1) == b"S"
        except TimeoutError:
            return False
"""

CALLING = """
    import boto3
    from botocore.config import Config
    from botocore.exceptions import ReadTimeoutError

    def handler(event, context):
        once = Config(read_timeout=1, retries={"total_max_attempts": 1})
        try:
            return str(boto3.client("secretsmanager", config=once).list_secrets()["SecretList"])
        except ReadTimeoutError as error:
            return type(error).__name__
"""

Make = Callable[..., str]


@pytest.fixture(scope="module")
def database_group(sandbox: Mapping[str, str], ec2: Client) -> str:
    """The security group of the DB instance, without rules, in an empty sandbox."""
    reset(sandbox)
    return make_group(ec2, "database")


@pytest.fixture(scope="module")
def endpoint(rds: Client, database_group: str) -> tuple[str, int]:
    """Address and port of a DB instance in that group."""
    rds.create_db_instance(**wanted_instance("behind", VpcSecurityGroupIds=[database_group]))
    found = wait_for(rds, "behind", "available")["Endpoint"]
    return found["Address"], found["Port"]


@pytest.fixture(scope="module")
def functions(sandbox: Mapping[str, str], database_group: str) -> Client:
    """boto3's Lambda client."""
    return make_client(sandbox, "lambda")


@pytest.fixture(scope="module")
def create(sandbox: Mapping[str, str], functions: Client) -> Make:
    """Creates a function with this VpcConfig, which connects to what its event names."""
    iam, runtime = make_client(sandbox, "iam"), sandbox["RDS_SANDBOX_LAMBDA_RUNTIME"]
    role = make_role(iam, "connecting")
    permit_interfaces(iam, "connecting")

    def make(name: str, vpc_config: Mapping[str, Any] | None) -> str:
        deploy(functions, wanted(name, role, runtime, SOURCE, VpcConfig=vpc_config, Timeout=10))
        return name

    return make


@pytest.fixture(scope="module")
def members(ec2: Client, database_group: str) -> str:
    """The security group of the functions in the VPC."""
    return make_group(ec2, "functions")


@pytest.fixture(scope="module")
def subnets(ec2: Client, database_group: str) -> list[str]:
    """Two subnets of the default VPC."""
    return sorted(subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"])[:2]


@pytest.fixture(scope="module")
def inside(create: Make, subnets: list[str], members: str) -> str:
    """A function in the VPC."""
    return create("inside", {"SubnetIds": subnets, "SecurityGroupIds": [members]})


@pytest.fixture(scope="module")
def outside(create: Make) -> str:
    """A function without a VPC."""
    return create("outside", None)


@pytest.fixture
def admit(ec2: Client, database_group: str) -> Iterator[Callable[..., None]]:
    """Authorize a source of the database's port for the length of the test."""
    given: list[dict[str, Any]] = []

    def authorize(**source: Any) -> None:
        given.append(tcp(5432, **source))
        ec2.authorize_security_group_ingress(GroupId=database_group, IpPermissions=given[-1:])

    yield authorize
    for permission in given:
        ec2.revoke_security_group_ingress(GroupId=database_group, IpPermissions=[permission])


def interfaces(ec2: Client, group: str) -> list[dict[str, Any]]:
    """The network interfaces in a security group."""
    found: list[dict[str, Any]] = ec2.describe_network_interfaces(Filters=[{"Name": "group-id", "Values": [group]}])[
        "NetworkInterfaces"
    ]
    return found


def test_group_reference_admits_the_function(
    functions: Client, endpoint: tuple[str, int], inside: str, outside: str, members: str, admit: Callable[..., None]
) -> None:
    """A rule that names the function's group lets it in, and no function from elsewhere."""
    assert not invoke(functions, inside, {"endpoint": endpoint})
    admit(UserIdGroupPairs=[{"GroupId": members}])

    assert invoke(functions, inside, {"endpoint": endpoint})
    assert not invoke(functions, outside, {"endpoint": endpoint})


def test_function_outside_has_an_address_of_awss(
    functions: Client, endpoint: tuple[str, int], inside: str, outside: str, admit: Callable[..., None]
) -> None:
    """The operator's rule is not for it; one for its own address is, and for nobody in the VPC."""
    admit(**from_address("203.0.113.10/32"))
    assert not invoke(functions, outside, {"endpoint": endpoint})
    admit(**from_address(f"{LAMBDA_ADDRESS}/32"))

    assert invoke(functions, outside, {"endpoint": endpoint})
    assert not invoke(functions, inside, {"endpoint": endpoint})


def test_private_instance_answers_the_function_alone(
    rds: Client, functions: Client, endpoint: tuple[str, int], inside: str, outside: str, admit: Callable[..., None]
) -> None:
    """From inside the VPC an instance is reached whether it is publicly accessible or not."""
    admit(**from_address("0.0.0.0/0"))
    rds.modify_db_instance(DBInstanceIdentifier="behind", PubliclyAccessible=False, ApplyImmediately=True)
    wait_for(rds, "behind", "available")
    found = [invoke(functions, name, {"endpoint": endpoint}) for name in (inside, outside)]
    rds.modify_db_instance(DBInstanceIdentifier="behind", PubliclyAccessible=True, ApplyImmediately=True)
    wait_for(rds, "behind", "available")

    assert [True, False] == found


def test_connection_is_kept_between_events(
    functions: Client, endpoint: tuple[str, int], inside: str, members: str, admit: Callable[..., None]
) -> None:
    """The next event finds the connection that the one before opened."""
    admit(UserIdGroupPairs=[{"GroupId": members}])
    assert invoke(functions, inside, {"endpoint": endpoint})

    assert invoke(functions, inside, {"kept": True}) == invoke(functions, inside, {"kept": True})


def test_interfaces_are_lambdas(functions: Client, ec2: Client, inside: str, subnets: list[str], members: str) -> None:
    """One in each subnet, described as Lambda describes them; the configuration names the VPC."""
    found = interfaces(ec2, members)
    vpc = functions.get_function_configuration(FunctionName=inside)["VpcConfig"]

    assert subnets == sorted(interface["SubnetId"] for interface in found)
    assert {"lambda"} == {interface["InterfaceType"] for interface in found}
    assert all(interface["Description"].startswith("AWS Lambda VPC ENI-") for interface in found)
    assert {found[0]["VpcId"]} == {vpc["VpcId"]}
    assert "InvalidParameterValue" == refused(ec2.delete_network_interface, NetworkInterfaceId=found[0]["NetworkInterfaceId"])


def test_interfaces_are_shared_and_go_with_the_last_function(
    functions: Client, ec2: Client, create: Make, subnets: list[str]
) -> None:
    """Functions with the same subnets and groups share them; while they are there, their group is in use."""
    group = make_group(ec2, "shared")
    config = {"SubnetIds": subnets, "SecurityGroupIds": [group]}
    for name in ("first", "second"):
        create(name, config)
    shared = len(interfaces(ec2, group))
    functions.delete_function(FunctionName="first")
    emptied: dict[str, list[str]] = {"SubnetIds": [], "SecurityGroupIds": []}
    outside = functions.update_function_configuration(FunctionName="second", VpcConfig=emptied)["VpcConfig"]
    settle(functions, "second")
    with pytest.raises(ClientError) as caught:
        ec2.delete_security_group(GroupId=group)

    assert 2 == shared
    assert {**emptied, "VpcId": "", "Ipv6AllowedForDualStack": False} == outside
    assert "DependencyViolation" == code_of(caught.value)
    assert wait_until(lambda: interfaces(ec2, group) == [])
    ec2.delete_security_group(GroupId=group)


@pytest.mark.parametrize(
    ("subnet", "group", "message"),
    [
        ("subnet-00000000", None, "EC2 Error Code: InvalidSubnetID.NotFound"),
        (None, "sg-00000000", "EC2 Error Code: InvalidGroup.NotFound"),
        ("", None, "SubnetIds and SecurityIds must coexist"),
        (None, "elsewhere", "must be in the same VPC"),
    ],
)
def test_wrong_network_is_refused(
    ec2: Client, create: Make, subnets: list[str], members: str, subnet: str | None, group: str | None, message: str
) -> None:
    """Unknown, half given, or of two VPCs: an invalid parameter, and no function."""
    if group == "elsewhere":
        vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
        group = ec2.create_security_group(GroupName="elsewhere", Description="test", VpcId=vpc)["GroupId"]
    chosen = subnets[:1] if subnet is None else [subnet] if subnet else []
    with pytest.raises(ClientError, match=message) as caught:
        create("astray", {"SubnetIds": chosen, "SecurityGroupIds": [group or members]})

    assert "InvalidParameterValueException" == code_of(caught.value)


def test_role_must_allow_interfaces(
    sandbox: Mapping[str, str], functions: Client, subnets: list[str], members: str, inside: str
) -> None:
    """A role that may not delete them is refused, when a function is created and when one is moved into a VPC."""
    iam, config = make_client(sandbox, "iam"), {"SubnetIds": subnets, "SecurityGroupIds": [members]}
    role = make_role(iam, "halfway")
    permit_interfaces(iam, "halfway", ["CreateNetworkInterface", "Describe*"])
    request = wanted("halfway", role, sandbox["RDS_SANDBOX_LAMBDA_RUNTIME"], SOURCE)
    refusal = "does not have permissions to call DeleteNetworkInterface on EC2"
    with pytest.raises(ClientError, match=refusal):
        functions.create_function(**request, VpcConfig=config)
    deploy(functions, request)
    with pytest.raises(ClientError, match=refusal):
        functions.update_function_configuration(FunctionName="halfway", VpcConfig=config)
    permit_interfaces(iam, "halfway")

    assert functions.update_function_configuration(FunctionName="halfway", VpcConfig=config)["VpcConfig"]


def test_managed_policies_count(sandbox: Mapping[str, str], functions: Client, subnets: list[str], members: str) -> None:
    """AWS's own are there (IAM User Guide, "AWS managed policies"), and what is attached is evaluated while it is."""
    iam, config = make_client(sandbox, "iam"), {"SubnetIds": subnets, "SecurityGroupIds": [members]}
    request = wanted("attached", make_role(iam, "attached"), sandbox["RDS_SANDBOX_LAMBDA_RUNTIME"], SOURCE)
    basic, network = (f"{AWSS}/AWSLambda{name}ExecutionRole" for name in ("Basic", "VPCAccess"))
    iam.attach_role_policy(RoleName="attached", PolicyArn=basic)
    with pytest.raises(ClientError, match="does not have permissions to call CreateNetworkInterface on EC2"):
        functions.create_function(**request, VpcConfig=config)
    iam.attach_role_policy(RoleName="attached", PolicyArn=network)
    assert functions.create_function(**request, VpcConfig=config)["VpcConfig"]
    found = [each["PolicyArn"] for each in iam.list_attached_role_policies(RoleName="attached")["AttachedPolicies"]]
    assert {basic, network} == set(found)
    iam.detach_role_policy(RoleName="attached", PolicyArn=network)
    with pytest.raises(ClientError, match="does not have permissions"):
        functions.create_function(**{**request, "FunctionName": "detached"}, VpcConfig=config)


def test_function_in_a_vpc_needs_an_endpoint(
    sandbox: Mapping[str, str], ec2: Client, functions: Client, create: Make, subnets: list[str], outside: str
) -> None:
    """AWS's API is silent to it, until the VPC has an endpoint whose security group admits it on port 443."""
    group, vpc = make_group(ec2, "calling"), ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    create("calling", {"SubnetIds": subnets, "SecurityGroupIds": [group]})
    for name in ("calling", outside):
        functions.update_function_code(FunctionName=name, ZipFile=package(app=CALLING))
        settle(functions, name)
    found = [invoke(functions, outside), invoke(functions, "calling")]
    service = {"ServiceName": "com.amazonaws.ca-central-1.secretsmanager", "VpcEndpointType": "Interface"}
    ec2.create_vpc_endpoint(VpcId=vpc, SubnetIds=subnets[:1], SecurityGroupIds=[group], **service)
    found += [invoke(functions, "calling")]
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[tcp(443, UserIdGroupPairs=[{"GroupId": group}])])
    found += [invoke(functions, "calling")]

    assert ["[]", "ReadTimeoutError", "ReadTimeoutError", "[]"] == found


def test_an_endpoint_by_its_own_name(
    sandbox: Mapping[str, str], ec2: Client, functions: Client, create: Make, subnets: list[str]
) -> None:
    """Without private DNS it serves whoever was given its name, and takes nobody else in the VPC anything."""
    group, vpc = make_group(ec2, "named"), ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[tcp(443, UserIdGroupPairs=[{"GroupId": group}])])
    create("named", {"SubnetIds": subnets, "SecurityGroupIds": [group]})
    functions.update_function_code(FunctionName="named", ZipFile=package(app=CALLING))
    settle(functions, "named")
    service = {"ServiceName": "com.amazonaws.ca-central-1.secretsmanager", "VpcEndpointType": "Interface"}
    made = ec2.create_vpc_endpoint(
        VpcId=vpc, SubnetIds=subnets[:1], SecurityGroupIds=[group], PrivateDnsEnabled=False, **service
    )["VpcEndpoint"]
    found = [invoke(functions, "named")]
    url = f"https://{made['DnsEntries'][0]['DnsName']}"
    variables = {"Variables": {"AWS_ENDPOINT_URL_SECRETS_MANAGER": url}}
    described = functions.update_function_configuration(FunctionName="named", Environment=variables)
    settle(functions, "named")
    found += [invoke(functions, "named")]
    ec2.delete_vpc_endpoints(VpcEndpointIds=[made["VpcEndpointId"]])

    assert (["ReadTimeoutError", "[]"], variables) == (found, described["Environment"])


def test_zones_of_endpoint_services(ec2: Client) -> None:
    """All of the region's."""
    name = "com.amazonaws.ca-central-1.lambda"
    [service] = ec2.describe_vpc_endpoint_services(ServiceNames=[name])["ServiceDetails"]
    zones = {subnet["AvailabilityZone"] for subnet in ec2.describe_subnets()["Subnets"]}
    assert (name, zones) == (service["ServiceName"], zones & set(service["AvailabilityZones"]))
    assert [{"ServiceType": "Interface"}] == service["ServiceType"]


def test_which_endpoint_services_there_are(ec2: Client) -> None:
    """All, those of a name or a type, none of a name that cannot be one (EC2 API Reference, DescribeVpcEndpointServices)."""
    every = ec2.describe_vpc_endpoint_services()["ServiceNames"]
    s3 = "com.amazonaws.ca-central-1.s3"
    assert {s3, "com.amazonaws.ca-central-1.secretsmanager"} < set(every)
    by_type = {"Name": "service-type", "Values": ["Gateway"]}
    gateways = ec2.describe_vpc_endpoint_services(Filters=[by_type])
    assert ["com.amazonaws.ca-central-1.dynamodb", s3] == gateways["ServiceNames"]
    by_name = {"Name": "service-name", "Values": [s3]}
    [found] = ec2.describe_vpc_endpoint_services(Filters=[by_type, by_name])["ServiceDetails"]
    assert (s3, [{"ServiceType": "Gateway"}]) == (found["ServiceName"], found["ServiceType"])
    for name, code in (("com.amazonaws.ca-central-1.nothing", "NotInSandbox"), ("org.example.nothing", "InvalidServiceName")):
        assert code == refused(ec2.describe_vpc_endpoint_services, ServiceNames=[name])
    assert "NotInSandbox" == refused(ec2.describe_vpc_endpoint_services, ServiceRegions=["eu-west-1"])
    by_tag = {"Name": "tag-key", "Values": ["x"]}
    assert "NotInSandbox" == refused(ec2.describe_vpc_endpoint_services, Filters=[by_tag])
