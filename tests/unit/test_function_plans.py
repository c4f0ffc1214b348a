"""The plans of the function, its role, its log group and its network: decided from values."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cruddur_ops import aws, calls, rds, tags
from cruddur_ops.change import Action, Change
from cruddur_ops.cognito import function, function_network, policies, role
from cruddur_ops.cognito.function import Function
from cruddur_ops.cognito.function_network import Endpoint, Network
from cruddur_ops.cognito.names import Arns, function_name
from cruddur_ops.cognito.packaging import Package
from cruddur_ops.cognito.role import LogGroup
from cruddur_ops.errors import OpsError, PlanMoved, WrongInput
from cruddur_ops.network import groups
from cruddur_ops.network.groups import Group
from cruddur_ops.network.rules import Rule
from cruddur_ops.rds.instances import Instance
from cruddur_ops.roles import Role
from cruddur_ops.target import Target
from tests.unit.aws_calls import invalid
from tests.unit.conftest import Stub

TARGET = Target("test", owner="alice")
NAME = "cruddur-db-instance-post-confirmation"
ARNS = Arns("aws", "123456789012", "ca-central-1", NAME)
SECRET = "arn:aws:secretsmanager:ca-central-1:123456789012:secret:cruddur-db-instance/cruddur_app-AbCdEf"
POOL = {"Id": "ca-central-1_AbC", "Arn": "arn:aws:cognito-idp:ca-central-1:123456789012:userpool/ca-central-1_AbC"}
PACKAGE = Package(b"zip", 9, "python3.13", "arm64")
INSTANCE = Instance(
    "cruddur-db-instance",
    "available",
    port=5432,
    vpc_id="vpc-1",
    subnet_ids=("subnet-1", "subnet-2"),
    security_group_ids=("sg-db",),
)
GROUP = Group("sg-function", NAME, "vpc-1")
ADMITTED = Rule("tcp", 5432, 5432, "sg-function", group_id="sg-db")
INSIDE = Rule("tcp", 443, 443, "sg-function", group_id="sg-function")
OWN = Endpoint("vpce-1", ["sg-function"], host="vpce-1.secretsmanager.ca-central-1.vpce.amazonaws.com")
NETWORK = Network(INSTANCE, GROUP, "sg-db", (ADMITTED, INSIDE), OWN)
VARIABLES = {"SECRET_ARN": SECRET, "AWS_ENDPOINT_URL_SECRETS_MANAGER": OWN.url}
POLICY = policies.execution(ARNS.function, ARNS.log_group, SECRET)


def valid(changes: Iterable[Change]) -> list[tuple[Action, str]]:
    """What is done by which operations; botocore accepts the parameters of each."""
    made = []
    for change in changes:
        for call in change.calls:
            filled = {"Code": {"ZipFile": b"zip"}} if call.operation == "create_function" else {}
            assert "" == invalid(call.service, call.operation, {**call.parameters, **filled})
        made += [(change.action, call.operation) for call in change.calls]
    return made


def test_the_role_may_do_its_work_and_no_more() -> None:
    """One log group, one secret; the network interfaces are Lambda's, and denied to the code."""
    statements: Any = POLICY["Statement"]
    resources = {one["Sid"]: (one["Effect"], one["Resource"]) for one in statements}
    expected = {
        "Log": ("Allow", f"arn:aws:logs:ca-central-1:123456789012:log-group:/aws/lambda/{NAME}:*"),
        "Secret": ("Allow", SECRET),
        "NetworkInterfaces": ("Allow", "*"),
        "NotForTheCode": ("Deny", "*"),
    }
    assert expected == resources
    assert {"ArnEquals": {"lambda:SourceFunctionArn": [ARNS.function]}} == statements[-1]["Condition"]
    assert all(action.startswith("ec2:") for action in statements[-1]["Action"])


def test_a_key_of_the_customer_may_be_used() -> None:
    """Only where the secret is encrypted with one."""
    key = "arn:aws:kms:ca-central-1:123456789012:key/1"
    statements: Any = policies.execution(ARNS.function, ARNS.log_group, SECRET, key)["Statement"]
    assert [("kms:Decrypt",)] == [tuple(one["Action"]) for one in statements if one["Resource"] == key]


def test_policies_need_no_imports() -> None:
    """They are plain data: whoever audits them reads one file."""
    lines = Path(policies.__file__).read_text().splitlines()
    assert [] == [line for line in lines if line.startswith(("import ", "from "))]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (None, [(Action.CREATE, "create_role"), (Action.CREATE, "put_role_policy")]),
        (Role(policies.trust(), POLICY), []),
        (Role(policies.trust(), {}), [(Action.MODIFY, "put_role_policy")]),
        (Role({"Statement": []}, POLICY), [(Action.MODIFY, "update_assume_role_policy")]),
    ],
)
def test_the_role_is_made_or_mended(found: Role | None, expected: list[tuple[Action, str]]) -> None:
    """A role that is as wanted is left alone."""
    assert expected == valid(role.changes(TARGET, found, POLICY))


def test_without_its_secret_the_role_waits() -> None:
    """The policy names the secret, which 03 makes."""
    [change] = role.changes(TARGET, None, None)
    assert ((), True) == (change.calls, "03_load_schema_and_seed" in change.note)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (None, [(Action.CREATE, "create_log_group"), (Action.CREATE, "put_retention_policy")]),
        (30, []),
        (0, [(Action.MODIFY, "put_retention_policy")]),
        (7, [(Action.MODIFY, "put_retention_policy")]),
    ],
)
def test_the_log_group_forgets_after_thirty_days(found: int | None, expected: list[tuple[Action, str]]) -> None:
    """Also one that Lambda made itself, which never would."""
    assert expected == valid([role.log_change(TARGET, None if found is None else LogGroup(found))])


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (NETWORK, []),
        (replace(NETWORK, rules=(INSIDE,)), [(Action.CREATE, "authorize_security_group_ingress")]),
        (replace(NETWORK, rules=(ADMITTED,)), [(Action.CREATE, "authorize_security_group_ingress")]),
        (replace(NETWORK, endpoint=None), [(Action.CREATE, "create_vpc_endpoint")]),
        (replace(NETWORK, endpoint=None, routed=True, rules=(ADMITTED,)), []),
    ],
)
def test_what_is_missing_in_the_network_is_made(found: Network, expected: list[tuple[Action, str]]) -> None:
    """A rule for the database, and a way to the secret: an endpoint, unless there is one or a NAT."""
    assert expected == valid(function_network.access_changes(TARGET, found))


def test_the_endpoint_takes_no_name_from_the_vpc() -> None:
    """With private DNS, every other client in the VPC would be led to it, and not let in."""
    [*_, made] = function_network.access_changes(TARGET, replace(NETWORK, endpoint=None))
    assert made.calls[0].parameters["PrivateDnsEnabled"] is False


ZONED = {"DBSubnetGroup": {"Subnets": [
    {"SubnetIdentifier": "subnet-1", "SubnetAvailabilityZone": {"Name": "ca-central-1a"}},
    {"SubnetIdentifier": "subnet-2", "SubnetAvailabilityZone": {"Name": "ca-central-1d"}},
]}}  # fmt: skip


def test_subnets_are_in_zones_that_the_services_take() -> None:
    """Lambda, and for the endpoint Secrets Manager, too; where none would be left, AWS says so itself."""
    zones = {"lambda": ["ca-central-1a", "ca-central-1b"], "secretsmanager": ["ca-central-1a", "ca-central-1d"]}
    found = replace(NETWORK, endpoint=None, zones=zones, instance=replace(INSTANCE, raw=ZONED))
    [created] = function.changes(TARGET, PACKAGE, ARNS, found, SECRET, None)
    assert ["subnet-1"] == created.calls[0].parameters["VpcConfig"]["SubnetIds"]
    [*_, endpoint] = function_network.access_changes(TARGET, found)
    assert ["subnet-1"] == endpoint.calls[0].parameters["SubnetIds"]
    nowhere = replace(found, zones={"lambda": ["ca-central-1b"]})
    assert ["subnet-1", "subnet-2"] == nowhere.subnets("lambda")


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Network]:
    """Looks at a VPC with these endpoints, whose subnets have a NAT."""

    def look(*ends: Endpoint) -> Network:
        monkeypatch.setattr(rds, "describe", lambda _: INSTANCE)
        monkeypatch.setattr(function_network, "endpoints", lambda *_: [*ends])
        monkeypatch.setattr(function_network, "zones", lambda _: {})
        monkeypatch.setattr(function_network, "rules_of", lambda *_: [])
        monkeypatch.setattr(groups, "find", lambda *_: [GROUP])
        monkeypatch.setattr(aws, "pages", lambda *_, **__: [{"Associations": [{"Main": True}], "Routes": [NAT]}])
        return function_network.describe(TARGET)

    return look


def test_somebody_elses_endpoint_is_not_relied_on(looked: Callable[..., Network]) -> None:
    """It need not admit the function; and one with private DNS is in the way of the NAT."""
    theirs = replace(OWN, id="vpce-2", private=True, tags={"ManagedBy": "cruddur-ops", "DBInstance": "other"})
    mine = replace(OWN, tags=tags.of(TARGET))
    found = {"none": looked(), "theirs": looked(theirs), "both": looked(theirs, mine)}
    assert {"none": (None, True), "theirs": (None, False), "both": (mine, False)} == {
        name: (one.endpoint, one.routed) for name, one in found.items()
    }
    assert ({}, {"AWS_ENDPOINT_URL_SECRETS_MANAGER": OWN.url}) == (
        function_network.environment(found["none"]),
        function_network.environment(found["both"]),
    )


def test_the_database_admits_the_function_by_reference() -> None:
    """Its group's id as the source; tagged, and without an expiry, since sign-ups would end with it."""
    missing = replace(NETWORK, rules=(INSIDE,))
    [call] = function_network.access_changes(replace(TARGET, instance_days=3), missing)[0].calls
    assert "sg-db" == call.parameters["GroupId"]
    [permission] = call.parameters["IpPermissions"]
    assert ["sg-function"] == [pair["GroupId"] for pair in permission["UserIdGroupPairs"]]
    names = {tag["Key"] for tag in call.parameters["TagSpecifications"][0]["Tags"]}
    assert {"Owner", "Project", "ManagedBy", "DBInstance"} == names


def test_the_lines_of_a_network_that_is_not_there_say_what_comes_first() -> None:
    """So that a plan works before anything exists."""
    nothing = [*function_network.access_changes(TARGET, Network()), function_network.group_change(TARGET, Network())]
    assert {function_network.AFTER_THE_INSTANCE} == {change.note for change in nothing}
    assert {function_network.AFTER_THE_GROUP} == {
        change.note for change in function_network.access_changes(TARGET, Network(INSTANCE))
    }


EVERYWHERE = {"DestinationCidrBlock": "0.0.0.0/0"}
NAT, INTERNET = {**EVERYWHERE, "NatGatewayId": "nat-1"}, {**EVERYWHERE, "GatewayId": "igw-1"}
LOCAL = {"DestinationCidrBlock": "172.31.0.0/16", "GatewayId": "local"}


@pytest.mark.parametrize(
    ("main", "own", "expected"),
    [(INTERNET, None, False), (NAT, None, True), (INTERNET, NAT, False), (NAT, INTERNET, False), (LOCAL, LOCAL, False)],
)
def test_a_function_gets_out_through_nat_alone(main: dict[str, str], own: dict[str, str] | None, expected: bool) -> None:
    """Every subnet needs a route; one without a table of its own has the main one."""
    tables: list[dict[str, Any]] = [{"Associations": [{"Main": True}], "Routes": [LOCAL, main]}]
    if own:
        tables.append({"Associations": [{"Main": False, "SubnetId": "subnet-2"}], "Routes": [LOCAL, own]})
    assert expected is function_network.routed(["subnet-1", "subnet-2"], tables)


def deployed(**changes: Any) -> Function:
    """The function as Lambda describes it once it was created."""
    [created] = function.changes(TARGET, PACKAGE, ARNS, NETWORK, SECRET, None)
    given = created.calls[0].parameters
    network = {**given["VpcConfig"], "VpcId": "vpc-1", "Ipv6AllowedForDualStack": False}
    network["SubnetIds"] = list(reversed(network["SubnetIds"]))
    environment = {"Environment": {"Variables": VARIABLES}}
    return Function({**given, **environment, "VpcConfig": network, "CodeSha256": PACKAGE.sha256, "State": "Active", **changes})


def planned(found: Function | None, package: Package = PACKAGE) -> list[Change]:
    """The changes of the function."""
    return function.changes(TARGET, package, ARNS, NETWORK, SECRET, found)


@pytest.mark.usefixtures("packed")
def test_the_function_is_created(monkeypatch: pytest.MonkeyPatch) -> None:
    """With its secret by reference, and the name that the endpoint has by then."""
    [change] = planned(None)
    monkeypatch.setattr(function_network, "describe", lambda _: NETWORK)
    assert change.calls[0].fill
    assert {"Variables": VARIABLES} == change.calls[0].fill()["Environment"]
    assert [(Action.CREATE, "create_function")] == valid([change])
    given = change.calls[0].parameters
    assert 1024 == given["MemorySize"]
    assert ("python3.13", ["arm64"], "post_confirmation.handler") == tuple(
        given[name] for name in ("Runtime", "Architectures", "Handler")
    )


def test_an_unchanged_function_is_left_alone() -> None:
    """Also where Lambda says more, or in another order."""
    assert [Action.NONE] == [change.action for change in planned(deployed())]


@pytest.mark.parametrize(
    ("changes", "setting", "operation"),
    [
        ({"Timeout": 3}, "Timeout", "update_function_configuration"),
        ({"MemorySize": 128}, "MemorySize", "update_function_configuration"),
        ({"Runtime": "python3.12"}, "Runtime", "update_function_configuration"),
        ({"Environment": {}}, "Environment", "update_function_configuration"),
        ({"VpcConfig": {}}, "VpcConfig", "update_function_configuration"),
        ({"CodeSha256": "another"}, "code", "update_function_code"),
        ({"Architectures": ["x86_64"]}, "code", "update_function_code"),
    ],
)
def test_what_differs_is_changed(changes: dict[str, Any], setting: str, operation: str) -> None:
    """By name, in one call for the settings and one for the code."""
    [change] = planned(deployed(**changes))
    assert (setting, [(Action.MODIFY, operation)]) == (change.setting, valid([change]))


def test_several_settings_are_changed_in_one_call() -> None:
    """Lambda takes no second update before the first is done."""
    changes = planned(deployed(Timeout=3, MemorySize=128))
    assert {"Timeout", "MemorySize"} == {change.setting for change in changes}
    assert [(Action.MODIFY, "update_function_configuration")] == valid(changes)


def test_the_function_waits_for_what_it_needs() -> None:
    """Its group, and its secret."""
    [change] = function.changes(TARGET, PACKAGE, ARNS, replace(NETWORK, group=None), SECRET, None)
    assert (function_network.AFTER_THE_GROUP, ()) == (change.note, change.calls)
    [change] = function.changes(TARGET, PACKAGE, ARNS, NETWORK, "", None)
    assert (role.AFTER_THE_SECRET, ()) == (change.note, change.calls)


def allowed(pool_id: str, arn: str) -> dict[str, Any]:
    """A statement as AddPermission makes it."""
    return {f"cruddur-ops-{pool_id}": {"Condition": {"ArnLike": {"AWS:SourceArn": arn}}}}


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ({}, [(Action.CREATE, "add_permission")]),
        (allowed(POOL["Id"], POOL["Arn"]), []),
        (allowed(POOL["Id"], "arn:another"), [(Action.CREATE, "remove_permission"), (Action.CREATE, "add_permission")]),
        (allowed("ca-central-1_old", "arn:old"), [(Action.DELETE, "remove_permission"), (Action.CREATE, "add_permission")]),
        ({"somebody-elses": {}}, [(Action.CREATE, "add_permission")]),
    ],
)
def test_one_pool_may_call_the_function(statements: dict[str, Any], expected: list[tuple[Action, str]]) -> None:
    """A permission of an earlier pool goes; other people's stay."""
    assert expected == valid(function.permission_changes(ARNS, POOL, Function({}, statements)))


def test_a_name_that_is_too_long_for_a_function_is_refused() -> None:
    """RDS takes 63 characters, Lambda 64 with the suffix."""
    assert 64 == len(function_name(Target("test", db_instance_identifier="d" * 46)))
    with pytest.raises(WrongInput, match="at most 46 characters"):
        function_name(Target("test", db_instance_identifier="d" * 47))


@pytest.fixture
def packed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package of now is the one that was planned, and so is the network."""
    monkeypatch.setattr(function, "package", lambda _: PACKAGE)
    monkeypatch.setattr(function_network, "describe", lambda _: NETWORK)


@pytest.mark.usefixtures("packed")
def test_wrong_input_is_not_sent_again(stub: Stub) -> None:
    """It has the same error code as a role that is not known everywhere yet, and this role has been there for long."""
    stub(TARGET, "lambda").add_client_error("create_function", "InvalidParameterValueException", "no such subnet")
    old = Role(policies.trust(), POLICY, made=datetime.now(UTC) - timedelta(minutes=5))
    [created] = function.changes(TARGET, PACKAGE, ARNS, NETWORK, SECRET, None, old)
    with pytest.raises(WrongInput, match="no such subnet"):
        calls.send(TARGET, created.calls[0])


@pytest.mark.usefixtures("packed")
def test_a_role_that_iam_does_not_know_everywhere_yet_is_waited_for(stub: Stub) -> None:
    """CreateFunction, with the package in it, is refused until it does; then the function settles."""
    answers = stub(TARGET, "lambda")
    answers.add_client_error("create_function", "InvalidParameterValueException", "The role cannot be assumed by Lambda.")
    answers.add_response("create_function", {})
    answers.add_response("get_function_configuration", {"State": "Pending"})
    answers.add_response("get_function_configuration", {"State": "Active", "LastUpdateStatus": "Successful"})
    [created] = planned(None)
    calls.send(TARGET, created.calls[0])
    assert created.settle
    created.settle()
    answers.assert_no_pending_responses()


def test_a_function_that_lambda_cannot_make_ready_is_an_error(stub: Stub) -> None:
    """With Lambda's reason; also where nothing of it differs."""
    answer = {"State": "Failed", "StateReason": "no addresses left in subnet-1."}
    stub(TARGET, "lambda").add_response("get_function_configuration", answer)
    [change] = planned(deployed())
    assert change.settle
    with pytest.raises(OpsError, match=r"no addresses left in subnet-1\): mend that"):
        change.settle()


@pytest.mark.usefixtures("packed")
def test_only_the_package_that_was_planned_is_uploaded() -> None:
    """Its bytes come in at the last moment; with other files, the plan is to be computed again."""
    [create], [update] = (planned(found)[0].calls for found in (None, deployed(CodeSha256="another")))
    assert create.fill and update.fill
    assert ({"ZipFile": b"zip"}, {"ZipFile": b"zip"}) == (create.fill()["Code"], update.fill())
    [other] = planned(None, replace(PACKAGE, content=b"another"))[0].calls
    assert other.fill
    with pytest.raises(PlanMoved, match="compute it again"):
        other.fill()


def test_plans_hold_no_package() -> None:
    """They are shown, and kept as JSON."""
    for change in (*planned(None), *planned(deployed(CodeSha256="another"))):
        json.dumps([dict(call.parameters) for call in change.calls])
