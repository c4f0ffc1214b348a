"""IAM, enforced: users and roles may do what their policies say, held to what AWS documents, through boto3.

IAM User Guide, "Policy evaluation logic" and "Troubleshooting access denied error messages".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

import psycopg
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

import rds_sandbox
from tests.functions import deploy, make_role
from tests.functions import wanted as function_wanted
from tests.instance import OPERATOR, refused, run
from tests.support import REGION, Client, connect, from_address, make_client, tcp, wait_for, wanted

DENIED, VERSION = "AccessDenied", "2012-10-17"
OWNED = {"Key": "Owner", "Value": "jane"}
ACCOUNT = "123456789012"
ABSENT = f"arn:aws:iam::{ACCOUNT}:policy/no"


@pytest.fixture(scope="module")
def enforcing() -> Iterator[Mapping[str, str]]:
    """The environment of a sandbox of its own, with --iam; its owner has two instances, one of them with a tag."""
    with rds_sandbox.sandbox() as it:
        it.enforce_iam()
        for name, more in (("mine", {"Tags": [OWNED]}), ("yours", {"EnableIAMDatabaseAuthentication": True})):
            it.client("rds").create_db_instance(**wanted(name, **more))
        for name in ("mine", "yours"):
            wait_for(it.client("rds"), name, "available")
        yield it.environment


def keys_of(sandbox: Mapping[str, str], name: str, *statements: Mapping[str, Any]) -> dict[str, str]:
    """The environment of a new user with this policy."""
    iam = make_client(sandbox, "iam")
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=document(*statements))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return {**sandbox, "AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}


def allow(*actions: str, **more: Any) -> dict[str, Any]:
    """A statement."""
    return {"Effect": "Allow", "Action": list(actions), "Resource": "*", **more}


def test_a_user(enforcing: Mapping[str, str]) -> None:
    """May do what its policies allow, on what they name, and hears which action lacks on which resource."""
    owned = {"StringEquals": {"aws:ResourceTag/Owner": "jane"}}
    jane = keys_of(enforcing, "jane", allow("rds:Describe*"), allow("rds:StopDBInstance", Condition=owned))
    rds: Client = make_client(jane, "rds")
    assert 2 == len(rds.describe_db_instances()["DBInstances"])
    rds.stop_db_instance(DBInstanceIdentifier="mine")
    with pytest.raises(ClientError) as caught:
        rds.stop_db_instance(DBInstanceIdentifier="yours")
    message = (
        f"User: arn:aws:iam::{ACCOUNT}:user/jane is not authorized to perform: rds:StopDBInstance on resource: "
        f"arn:aws:rds:ca-central-1:{ACCOUNT}:db:yours because no identity-based policy allows the rds:StopDBInstance action"
    )
    assert {"Code": DENIED, "Message": message} == {key: caught.value.response["Error"][key] for key in ("Code", "Message")}
    assert "UnauthorizedOperation" == refused(make_client(jane, "ec2").describe_vpcs, DryRun=True)
    assert make_client(jane, "sts").get_caller_identity()["Arn"].endswith(":user/jane")


@pytest.mark.parametrize(
    ("service", "operation", "status", "code"),
    [
        ("rds", "describe_db_snapshots", 403, DENIED),
        ("ec2", "describe_vpcs", 403, "UnauthorizedOperation"),
        ("lambda", "list_functions", 403, "AccessDeniedException"),
        ("scheduler", "list_schedules", 403, "AccessDeniedException"),
        ("iam", "list_users", 403, DENIED),
        ("cloudwatch", "list_metrics", 403, DENIED),
        ("s3", "list_buckets", 403, DENIED),
        ("sts", "get_session_token", 403, DENIED),
        ("secretsmanager", "list_secrets", 400, "AccessDeniedException"),
        ("resourcegroupstaggingapi", "get_resources", 400, "AccessDeniedException"),
    ],
)
def test_a_denial(enforcing: Mapping[str, str], service: str, operation: str, status: int, code: str) -> None:
    """403 but where a service is asked in JSON alone ("Common Errors" in the API reference of each)."""
    client = make_client(keys_of(enforcing, f"of-{service}", allow("sqs:*")), service)
    with pytest.raises(ClientError) as caught:
        getattr(client, operation)()
    assert (status, code) == (caught.value.response["ResponseMetadata"]["HTTPStatusCode"], caught.value.response["Error"]["Code"])


def test_a_role_within_its_boundary(enforcing: Mapping[str, str]) -> None:
    """Its own and attached policies, a boundary around them, a denial before all of them; the role is for whom it trusts."""
    iam = make_client(enforcing, "iam")
    rules = [allow("rds:*", "iam:*"), {"Effect": "Deny", "Action": "rds:Delete*", "Resource": "*"}]
    boundary = json.dumps({"Version": VERSION, "Statement": rules})
    limit = iam.create_policy(PolicyName="limit", PolicyDocument=boundary)["Policy"]["Arn"]
    role = make_role(iam, "operator", {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}})
    iam.put_role_permissions_boundary(RoleName="operator", PermissionsBoundary=limit)
    iam.attach_role_policy(RoleName="operator", PolicyArn="arn:aws:iam::aws:policy/PowerUserAccess")
    bob = keys_of(enforcing, "bob", allow("sts:AssumeRole", Resource=role))
    given = make_client(bob, "sts").assume_role(RoleArn=role, RoleSessionName="bob")["Credentials"]
    keys = {"AWS_ACCESS_KEY_ID": given["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": given["SecretAccessKey"]}
    operator = {**enforcing, **keys}, {"aws_session_token": given["SessionToken"]}
    rds = make_client(operator[0], "rds", **operator[1])
    assert rds.describe_db_instances(DBInstanceIdentifier="yours")["DBInstances"]
    assert DENIED == refused(rds.delete_db_instance, DBInstanceIdentifier="yours", SkipFinalSnapshot=True)
    assert "UnauthorizedOperation" == refused(make_client(operator[0], "ec2", **operator[1]).describe_vpcs)
    assert DENIED == refused(make_client(bob, "rds").describe_db_instances)
    only_logs = "arn:aws:iam::aws:policy/CloudWatchLogsFullAccess"
    for narrower in ({"PolicyArns": [{"arn": only_logs}]}, {"Policy": document(allow("logs:*"))}):  # guide, "Session policies"
        given = make_client(bob, "sts").assume_role(RoleArn=role, RoleSessionName="bob", **narrower)["Credentials"]
        keys = {"AWS_ACCESS_KEY_ID": given["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": given["SecretAccessKey"]}
        narrow = make_client({**enforcing, **keys}, "rds", aws_session_token=given["SessionToken"])
        with pytest.raises(ClientError, match="because no session policy allows"):
            narrow.describe_db_instances()
    stranger = make_client(keys_of(enforcing, "eve", allow("*")), "sts")
    absent = {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/absent", "RoleSessionName": "eve"}
    assert DENIED == refused(stranger.assume_role, **absent)
    other = make_role(
        iam, "other", {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
    )
    wanted = {"RoleArn": other, "RoleSessionName": "eve"}
    assert DENIED == refused(stranger.assume_role, **wanted)
    trusted = {"Action": "sts:AssumeRole", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/eve"}}
    iam.update_assume_role_policy(RoleName="other", PolicyDocument=document({"Effect": "Allow", **trusted}))
    assert stranger.assume_role(**wanted)["Credentials"]
    both = document(*({"Effect": effect, **trusted} for effect in ("Allow", "Deny")))
    iam.update_assume_role_policy(RoleName="other", PolicyDocument=both)
    assert DENIED == refused(stranger.assume_role, **wanted)


def test_what_a_call_needs_beside_its_own_action(enforcing: Mapping[str, str]) -> None:
    """iam:PassRole for a function's role, secretsmanager:CreateSecret for a managed password, and what a green environment is."""
    role = make_role(make_client(enforcing, "iam"), "function")
    ann = keys_of(enforcing, "ann", allow("lambda:*", "rds:*"))
    function = {"FunctionName": "hers", "Role": role, "Handler": "app.handler", "Code": {"ZipFile": b"x"}}
    with pytest.raises(ClientError, match=f"iam:PassRole on resource: {role}"):
        make_client(ann, "lambda").create_function(**function, Runtime="python3.11")
    request = wanted("managed", MasterUserPassword=None, ManageMasterUserPassword=True)
    with pytest.raises(ClientError, match="secretsmanager:CreateSecret"):
        make_client(ann, "rds").create_db_instance(**request)
    bea = make_client(keys_of(enforcing, "bea", allow("rds:CreateBlueGreenDeployment", "rds:DescribeDBInstances")), "rds")
    source = bea.describe_db_instances(DBInstanceIdentifier="yours")["DBInstances"][0]["DBInstanceArn"]
    with pytest.raises(ClientError, match="rds:CreateDBInstanceReadReplica"):
        bea.create_blue_green_deployment(BlueGreenDeploymentName="hers", Source=source)


SOURCE = {"SourceDBInstanceIdentifier": "mine"}


@pytest.mark.parametrize(
    ("operation", "parameters", "code"),
    [
        ("create_db_instance", wanted("made", DBInstanceClass="db.none"), "InvalidParameterValue"),
        ("create_db_instance", wanted("made", DBInstanceClass="db.none", EngineVersion=None), "InvalidParameterValue"),
        ("create_db_instance_read_replica", {**SOURCE, "DBInstanceIdentifier": "made"}, "InvalidDBInstanceState"),
        (
            "restore_db_instance_to_point_in_time",
            {**SOURCE, "TargetDBInstanceIdentifier": "made", "UseLatestRestorableTime": True},
            "PointInTimeRestoreNotEnabled",
        ),
    ],
)
def test_an_instance_is_made_in_its_groups(
    enforcing: Mapping[str, str], operation: str, parameters: dict[str, Any], code: str
) -> None:
    """The default ones, too, where it names none.

    RDS User Guide, "Permission policies to create, modify and, delete resources in Amazon RDS".
    """
    start, user = f"arn:aws:rds:*:{ACCOUNT}", f"{operation}-{len(parameters)}"
    groups = {"og:default:postgres-18", "pg:default.postgres18", "subgrp:default"}
    iam, keys = make_client(enforcing, "iam"), keys_of(enforcing, user, allow("rds:Describe*"))
    call = getattr(make_client(keys, "rds"), operation)
    for lacking in ({one} for one in groups):
        rule = allow("rds:*", Resource=[f"{start}:{one}" for one in ("db:*", *(groups - lacking))])
        iam.put_user_policy(UserName=user, PolicyName="own", PolicyDocument=document(rule))
        with pytest.raises(ClientError, match=f"{DENIED}.*{lacking.pop()} because"):
            call(**parameters)
    rule = allow("rds:*", Resource=[f"{start}:{one}" for one in ("db:*", *groups)])
    iam.put_user_policy(UserName=user, PolicyName="own", PolicyDocument=document(rule))
    assert code == refused(call, **parameters)


def test_tags_need_a_permission_of_their_own(enforcing: Mapping[str, str]) -> None:
    """Service Authorization Reference, "Actions defined by Amazon RDS": dependent actions of a copy and of a subnet group."""
    pam = make_client(keys_of(enforcing, "pam", allow("rds:Copy*", "rds:Create*")), "rds")
    copied = {"SourceDBSnapshotIdentifier": "a", "TargetDBSnapshotIdentifier": "b", "Tags": [OWNED]}
    with pytest.raises(ClientError, match=f"rds:AddTagsToResource on resource: arn:aws:rds:{REGION}:{ACCOUNT}:snapshot:b"):
        pam.copy_db_snapshot(**copied)
    group = {"DBSubnetGroupName": "hers", "DBSubnetGroupDescription": "x", "SubnetIds": ["subnet-1"], "Tags": [OWNED]}
    with pytest.raises(ClientError, match=f"rds:AddTagsToResource on resource: arn:aws:rds:{REGION}:{ACCOUNT}:subgrp:hers"):
        pam.create_db_subnet_group(**group)
    replica = {"DBInstanceIdentifier": "copy", "SourceDBInstanceIdentifier": "mine", "MonitoringInterval": 60}
    with pytest.raises(ClientError, match="iam:PassRole"):
        pam.create_db_instance_read_replica(**replica, MonitoringRoleArn=f"arn:aws:iam::{ACCOUNT}:role/watches")


def test_tags_of_subnet_groups_and_subscriptions(enforcing: Mapping[str, str]) -> None:
    """aws:ResourceTag is of these too (Service Authorization Reference, "Resource types defined by Amazon RDS")."""
    rds, subnets = make_client(enforcing, "rds"), make_client(enforcing, "ec2").describe_subnets()["Subnets"]
    topic = make_client(enforcing, "sns").create_topic(Name="heard")["TopicArn"]
    owned = {"StringEquals": {"aws:ResourceTag/Owner": "jane"}}
    roy = make_client(keys_of(enforcing, "roy", allow("rds:Delete*", Condition=owned)), "rds")
    for name, tags in (("of-jane", [OWNED]), ("of-nobody", [])):
        ids = [each["SubnetId"] for each in subnets]
        rds.create_db_subnet_group(DBSubnetGroupName=name, DBSubnetGroupDescription="x", SubnetIds=ids, Tags=tags)
        rds.create_event_subscription(SubscriptionName=name, SnsTopicArn=topic, Tags=tags)
    assert DENIED == refused(roy.delete_db_subnet_group, DBSubnetGroupName="of-nobody")
    assert DENIED == refused(roy.delete_event_subscription, SubscriptionName="of-nobody")
    roy.delete_db_subnet_group(DBSubnetGroupName="of-jane")
    roy.delete_event_subscription(SubscriptionName="of-jane")


def test_a_simulation(enforcing: Mapping[str, str]) -> None:
    """One result for each action, the most restrictive of all resources (IAM API Reference, EvaluationResult)."""
    iam, known = make_client(enforcing, "iam"), {"aws:ResourceTag/Owner": "jane"}
    start = allow("rds:StartDBInstance", Resource=f"arn:aws:rds:{REGION}:{ACCOUNT}:db:x", Condition={"StringEquals": known})
    keys_of(enforcing, "sue", start, allow("rds:Delete*"), {**allow("rds:DeleteDBSnapshot"), "Effect": "Deny"})
    source = f"arn:aws:iam::{ACCOUNT}:user/sue"

    def simulated(*names: str, **more: Any) -> dict[str, str]:
        answer = iam.simulate_principal_policy(PolicySourceArn=source, ActionNames=list(names), **more)
        return {one["EvalActionName"]: one["EvalDecision"] for one in answer["EvaluationResults"]}

    deleted = simulated("rds:DeleteDBInstance", "rds:DeleteDBSnapshot", "rds:StopDBInstance")
    assert ["allowed", "explicitDeny", "implicitDeny"] == list(deleted.values())
    entries = [{"ContextKeyName": key, "ContextKeyValues": [one], "ContextKeyType": "string"} for key, one in known.items()]
    x, y = (f"arn:aws:rds:{REGION}:{ACCOUNT}:db:{name}" for name in "xy")
    assert {"rds:StartDBInstance": "allowed"} == simulated("rds:StartDBInstance", ResourceArns=[x], ContextEntries=entries)
    assert {"rds:StartDBInstance": "implicitDeny"} == simulated(
        "rds:StartDBInstance", ResourceArns=[x, y], ContextEntries=entries
    )
    assert {"rds:StartDBInstance": "implicitDeny"} == simulated("rds:StartDBInstance", ResourceArns=[x])
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.simulate_principal_policy(PolicySourceArn=f"{source}-not", ActionNames=["rds:DeleteDBInstance"])


def test_a_rule_is_revoked_by_who_may_do_it_on_its_group(enforcing: Mapping[str, str]) -> None:
    """The rule itself is asked for nothing (Service Authorization Reference, "Actions defined by Amazon EC2")."""
    owner = make_client(enforcing, "ec2")
    group = owner.create_security_group(GroupName="revoked", Description="x")["GroupId"]
    made = owner.authorize_security_group_ingress(GroupId=group, IpPermissions=[tcp(5432, **from_address(OPERATOR))])
    which = {"GroupId": group, "SecurityGroupRuleIds": [made["SecurityGroupRules"][0]["SecurityGroupRuleId"]]}
    on = f"arn:aws:ec2:{REGION}:{ACCOUNT}:"
    allowed = [
        allow("ec2:RevokeSecurityGroupIngress", Resource=f"{on}{one}")
        for one in ("security-group-rule/*", f"security-group/{group}")
    ]
    max_, eva = (make_client(keys_of(enforcing, name, one), "ec2") for name, one in zip(("max", "eva"), allowed, strict=True))
    assert "UnauthorizedOperation" == refused(max_.revoke_security_group_ingress, **which)
    assert eva.revoke_security_group_ingress(**which)["Return"]


def document(*statements: Mapping[str, Any]) -> str:
    """A policy of these statements."""
    return json.dumps({"Version": VERSION, "Statement": statements})


def test_a_user_within_a_boundary(enforcing: Mapping[str, str]) -> None:
    """What both allow; a boundary that there is not is refused, one that is gone allows nothing (IAM User Guide)."""
    iam = make_client(enforcing, "iam")
    limit = iam.create_policy(PolicyName="reading", PolicyDocument=document(allow("rds:Describe*")))["Policy"]["Arn"]
    assert "NoSuchEntity" == refused(iam.create_user, UserName="x", PermissionsBoundary=f"{limit}-not")
    tom = make_client(keys_of(enforcing, "tom", allow("rds:*")), "rds")
    iam.put_user_permissions_boundary(UserName="tom", PermissionsBoundary=limit)
    assert limit == iam.get_user(UserName="tom")["User"]["PermissionsBoundary"]["PermissionsBoundaryArn"]
    assert tom.describe_db_instances()["DBInstances"]
    with pytest.raises(ClientError, match="because no permissions boundary allows the rds:StopDBInstance action"):
        tom.stop_db_instance(DBInstanceIdentifier="yours")
    iam.delete_policy(PolicyArn=limit)
    assert DENIED == refused(tom.describe_db_instances)
    iam.delete_user_permissions_boundary(UserName="tom")
    assert tom.describe_db_instances()["DBInstances"]


def test_what_the_policy_of_a_secret_says(enforcing: Mapping[str, str]) -> None:
    """It lets in whom it names, and a denial holds however the secret is called; so do those of users.

    Secrets Manager User Guide, "Resource-based policies"; IAM User Guide, "Policy evaluation logic".
    """
    secrets = make_client(enforcing, "secretsmanager")
    arn = secrets.create_secret(Name="shared", SecretString="x")["ARN"]
    sam = make_client(keys_of(enforcing, "sam", allow("rds:*")), "secretsmanager")
    deny = {"Effect": "Deny", "Action": "secretsmanager:*", "Resource": arn}
    ida = make_client(keys_of(enforcing, "ida", allow("secretsmanager:*"), deny), "secretsmanager")
    everything = make_client(keys_of(enforcing, "kim", allow("*")), "secretsmanager")
    assert "AccessDeniedException" == refused(sam.get_secret_value, SecretId="shared")
    for called in ("shared", arn, arn[:-7]):
        assert "AccessDeniedException" == refused(ida.get_secret_value, SecretId=called), called
    named = allow("secretsmanager:GetSecretValue", Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:user/sam"})
    secrets.put_resource_policy(SecretId="shared", ResourcePolicy=document(named))
    assert "x" == sam.get_secret_value(SecretId="shared")["SecretString"]
    assert "AccessDeniedException" == refused(sam.describe_secret, SecretId="shared")
    lou = make_client(keys_of(enforcing, "lou", allow("secretsmanager:BatchGetSecretValue")), "secretsmanager")
    answer = lou.batch_get_secret_value(SecretIdList=["shared"])  # which asks for GetSecretValue too (its page)
    assert ([], "AccessDeniedException") == (answer["SecretValues"], answer["Errors"][0]["ErrorCode"])
    by_filter = {"Filters": [{"Key": "name", "Values": ["shared"]}]}
    assert "AccessDeniedException" == refused(lou.batch_get_secret_value, **by_filter)
    elsewhere = {"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}
    secrets.put_resource_policy(
        SecretId="shared",
        ResourcePolicy=document({**allow("secretsmanager:*", Principal="*", Condition=elsewhere), "Effect": "Deny"}),
    )
    with pytest.raises(ClientError, match="with an explicit deny in a resource-based policy"):
        everything.get_secret_value(SecretId="shared")


def test_the_policy_of_a_key_comes_first(enforcing: Mapping[str, str]) -> None:
    """Where it does not name the account, the policies of users do not count (KMS Developer Guide, "Key policies")."""
    kms = make_client(enforcing, "kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/ours", TargetKeyId=key)
    lee = make_client(keys_of(enforcing, "lee", allow("kms:*")), "kms")
    for called in (key, "alias/ours"):
        assert lee.describe_key(KeyId=called)["KeyMetadata"]["KeyId"] == key
    named = allow("kms:*", Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:user/else"})
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=document(named))
    for called in (key, "alias/ours"):
        assert "AccessDeniedException" == refused(lee.describe_key, KeyId=called)


def test_a_function_lets_in_whom_its_policy_names(enforcing: Mapping[str, str]) -> None:
    """AddPermission for a user, who needs no other policy (Lambda Developer Guide, "Resource-based policies")."""
    functions = make_client(enforcing, "lambda")
    source = "def handler(event, context):\n    return 1\n"
    role = make_role(make_client(enforcing, "iam"), "of-open")
    deploy(functions, function_wanted("open", role, enforcing["RDS_SANDBOX_LAMBDA_RUNTIME"], source))
    uma = make_client(keys_of(enforcing, "uma", allow("rds:*")), "lambda")
    functions.create_alias(FunctionName="open", Name="live", FunctionVersion="$LATEST")
    permission = {"StatementId": "uma", "Action": "lambda:InvokeFunction", "Principal": f"arn:aws:iam::{ACCOUNT}:user/uma"}
    functions.add_permission(FunctionName="open:live", **permission)
    assert b"1" == uma.invoke(FunctionName="open", Qualifier="live")["Payload"].read()
    assert "AccessDeniedException" == refused(uma.invoke, FunctionName="open")
    functions.add_permission(FunctionName="open", **permission)
    assert b"1" == uma.invoke(FunctionName=f"{ACCOUNT}:function:open")["Payload"].read()


def test_a_token_needs_rds_db_connect(enforcing: Mapping[str, str]) -> None:
    """For this very instance and user (RDS User Guide, "Creating and using an IAM policy for IAM database access")."""
    owner = make_client(enforcing, "rds")
    instance = owner.describe_db_instances(DBInstanceIdentifier="yours")["DBInstances"][0]
    group = instance["VpcSecurityGroups"][0]["VpcSecurityGroupId"]
    make_client(enforcing, "ec2").authorize_security_group_ingress(
        GroupId=group, IpPermissions=[tcp(5432, **from_address(OPERATOR))]
    )
    run(enforcing, instance, "CREATE ROLE app LOGIN", "GRANT rds_iam TO app")
    users = f"arn:aws:rds-db:{REGION}:{ACCOUNT}:dbuser:{instance['DbiResourceId']}"
    place = {"DBHostname": instance["Endpoint"]["Address"], "Port": instance["Endpoint"]["Port"], "DBUsername": "app"}

    def log_in(rds: Client) -> None:
        with connect(enforcing, instance, user="app", password=rds.generate_db_auth_token(**place)):
            pass

    log_in(owner)
    log_in(make_client(keys_of(enforcing, "may", allow("rds-db:connect", Resource=f"{users}/app")), "rds"))
    for name, resource in (("other", f"{users}/another"), ("elsewhere", "arn:aws:rds-db:*:*:dbuser:db-X/app")):
        stranger = make_client(keys_of(enforcing, name, allow("rds-db:connect", Resource=resource), allow("rds:*")), "rds")
        with pytest.raises(psycopg.OperationalError, match="PAM authentication failed"):
            log_in(stranger)


def test_no_name_means_the_caller(enforcing: Mapping[str, str]) -> None:
    """IAM API Reference, UserName of GetUser, ListAccessKeys and their like: IAM tells it by the key that signs."""
    ivy = keys_of(enforcing, "ivy", allow("iam:*User", "iam:*AccessKey*", Resource=f"arn:aws:iam::{ACCOUNT}:user/ivy"))
    iam, owner = make_client(ivy, "iam"), make_client(enforcing, "iam")
    found = iam.get_user()["User"]
    assert make_client(ivy, "sts").get_caller_identity()["UserId"] == found["UserId"]
    made = iam.create_access_key()["AccessKey"]
    assert ("ivy", 2) == (made["UserName"], len(iam.list_access_keys()["AccessKeyMetadata"]))
    owner.create_user(UserName="joe")
    other = owner.create_access_key(UserName="joe")["AccessKey"]["AccessKeyId"]
    assert "NoSuchEntity" == refused(iam.delete_access_key, AccessKeyId=other)
    iam.delete_access_key(AccessKeyId=made["AccessKeyId"])
    with pytest.raises(ClientError, match=f"iam:GetUser on resource: arn:aws:iam::{ACCOUNT}:user/nan because"):
        make_client(keys_of(enforcing, "nan", allow("rds:*")), "iam").get_user()


def test_who_has_signed_is_who_was_found_to_have(enforcing: Mapping[str, str]) -> None:
    """A signature in the query, beside one in the headers, or where none is asked for, makes nobody another."""
    mallory = keys_of(enforcing, "mallory", allow("ec2:*"))
    scope = f"{enforcing['AWS_ACCESS_KEY_ID']}/20261127/ca-central-1"

    def claim(params: dict[str, Any], **_: Any) -> None:
        credential = f"{scope}/{'cognito-idp' if params['headers'].get('X-Amz-Target') else 'iam'}/aws4_request"
        claimed = {"X-Amz-Credential": credential, "X-Amz-Signature": "0" * 64, "X-Amz-SignedHeaders": "host"}
        params["url"] += f"?{urlencode(claimed)}"

    iam = make_client(mallory, "iam")
    iam.meta.events.register("before-call", claim)
    assert "SignatureDoesNotMatch" == refused(iam.list_users)
    idp = make_client(mallory, "cognito-idp", config=Config(signature_version=UNSIGNED))
    idp.meta.events.register("before-call", claim)
    assert "NotAuthorizedException" == refused(idp.get_user, AccessToken="of.nobody.here")


def test_names_stand_for_what_is_under_a_path(enforcing: Mapping[str, str]) -> None:
    """IAM User Guide, "IAM identifiers": the path is a part of the ARN, and none of the requests that name what is there."""
    under = [f"arn:aws:iam::{ACCOUNT}:{kind}/ops/*" for kind in ("user", "group", "role")]
    iam, owner = make_client(keys_of(enforcing, "pat", allow("iam:*", Resource=under)), "iam"), make_client(enforcing, "iam")
    trust = document({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}})
    for kind, more in (("user", {}), ("group", {}), ("role", {"AssumeRolePolicyDocument": trust})):
        make, find = getattr(iam, f"create_{kind}"), getattr(iam, f"get_{kind}")
        names = [{f"{kind.title()}Name": name} for name in ("kept", "others")]
        make(**names[0], **more, Path="/ops/")
        getattr(owner, f"create_{kind}")(**names[1], **more)
        assert find(**names[0])[kind.title()]["Arn"] == f"arn:aws:iam::{ACCOUNT}:{kind}/ops/kept"
        assert DENIED == refused(find, **names[1])
        assert DENIED == refused(make, **{f"{kind.title()}Name": "third"}, **more)


def test_what_is_in_use_stays(sandbox: Mapping[str, str]) -> None:
    """A user with a key, a password or a group, a group with users or policies (IAM API Reference, DeleteUser, DeleteGroup)."""
    iam, policy = make_client(sandbox, "iam"), "arn:aws:iam::aws:policy/ReadOnlyAccess"
    of_user, of_group, own = {"UserName": "kept"}, {"GroupName": "kept"}, {"PolicyName": "own"}
    iam.create_user(**of_user)
    iam.create_group(**of_group)
    iam.add_user_to_group(**of_user, **of_group)
    iam.attach_group_policy(**of_group, PolicyArn=policy)
    iam.put_group_policy(**of_group, **own, PolicyDocument=document(allow("rds:*")))
    iam.create_login_profile(**of_user, Password="correct-Horse-1")
    key = {"AccessKeyId": iam.create_access_key(**of_user)["AccessKey"]["AccessKeyId"]}
    for delete, which, first, remedy in (
        (iam.delete_user, of_user, "delete access keys", lambda: iam.delete_access_key(**of_user, **key)),
        (iam.delete_user, of_user, "delete login profile", lambda: iam.delete_login_profile(**of_user)),
        (iam.delete_user, of_user, "remove users from group", lambda: None),
        (iam.delete_group, of_group, "remove users from group", lambda: iam.remove_user_from_group(**of_user, **of_group)),
        (iam.delete_group, of_group, "detach all policies", lambda: iam.detach_group_policy(**of_group, PolicyArn=policy)),
        (iam.delete_group, of_group, "delete policies", lambda: iam.delete_group_policy(**of_group, **own)),
    ):
        with pytest.raises(iam.exceptions.DeleteConflictException, match=f"Cannot delete entity, must {first} first."):
            delete(**which)
        remedy()
    iam.delete_user(**of_user)
    iam.delete_group(**of_group)
    assert "NoSuchEntity" == refused(iam.delete_group, **of_group)


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("get_group", {"GroupName": "listed"}),
        ("list_groups", {}),
        ("list_access_keys", {"UserName": "listed"}),
        ("list_account_aliases", {}),
        ("list_group_policies", {"GroupName": "listed"}),
        ("list_instance_profiles", {}),
        ("list_instance_profiles_for_role", {"RoleName": "listed"}),
        ("list_policy_versions", {"PolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}),
        ("list_ssh_public_keys", {"UserName": "listed"}),
    ],
)
def test_lists_say_whether_there_is_more(made: Client, operation: str, parameters: dict[str, str]) -> None:
    """Also where there is not (IAM API Reference, IsTruncated of each)."""
    assert getattr(made, operation)(**parameters)["IsTruncated"] is False


@pytest.fixture(scope="module")
def made(sandbox: Mapping[str, str]) -> Client:
    """IAM with one of each kind."""
    iam = make_client(sandbox, "iam")
    iam.create_user(UserName="listed")
    iam.create_group(GroupName="listed")
    make_role(iam, "listed")
    iam.create_instance_profile(InstanceProfileName="listed")
    iam.create_policy(PolicyName="listed", PolicyDocument=document(allow("rds:*")))
    return iam


def test_ids(made: Client) -> None:
    """Each kind begins with its own letters (IAM User Guide, "IAM identifiers", "Understanding unique ID prefixes")."""
    ids = (
        made.get_user(UserName="listed")["User"]["UserId"],
        made.get_group(GroupName="listed")["Group"]["GroupId"],
        made.get_instance_profile(InstanceProfileName="listed")["InstanceProfile"]["InstanceProfileId"],
        made.get_role(RoleName="listed")["Role"]["RoleId"],
        made.get_policy(PolicyArn=f"arn:aws:iam::{ACCOUNT}:policy/listed")["Policy"]["PolicyId"],
        made.get_policy(PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")["Policy"]["PolicyId"],
    )
    assert ["AIDA", "AGPA", "AIPA", "AROA", "ANPA", "ANPA"] == [each[:4] for each in ids]
    assert all(re.fullmatch("[A-Z2-7]{21}", each) for each in ids)


def test_times(sandbox: Mapping[str, str], made: Client) -> None:
    """Whole seconds, as the AWS CLI shows them of IAM and STS."""
    user, role = made.get_user(UserName="listed")["User"], made.get_role(RoleName="listed")["Role"]
    ends = make_client(sandbox, "sts").get_session_token()["Credentials"]["Expiration"]
    assert [0, 0, 0] == [each.microsecond for each in (user["CreateDate"], role["CreateDate"], ends)]


@pytest.mark.parametrize(
    ("operation", "parameters", "code", "message"),
    [
        ("get_role", {"RoleName": "no"}, "NoSuchEntity", "The role with name no cannot be found."),
        ("get_group", {"GroupName": "no"}, "NoSuchEntity", "The group with name no cannot be found."),
        ("get_instance_profile", {"InstanceProfileName": "no"}, "NoSuchEntity", "Instance Profile no cannot be found."),
        ("update_user", {"UserName": "no"}, "NoSuchEntity", "The user with name no cannot be found."),
        ("delete_policy", {"PolicyArn": ABSENT}, "NoSuchEntity", f"Policy {ABSENT} was not found."),
        (
            "attach_role_policy",
            {"RoleName": "listed", "PolicyArn": "AmazonRDSReadOnlyAccess"},
            "ValidationError",
            "Invalid ARN:  Could not be parsed!",
        ),
        (
            "attach_user_policy",
            {"UserName": "listed", "PolicyArn": "AmazonRDSReadOnlyAccess"},
            "ValidationError",
            "Invalid ARN:  Could not be parsed!",
        ),
    ],
)
def test_words(made: Client, operation: str, parameters: dict[str, str], code: str, message: str) -> None:
    """As AWS's users report them; the codes are those of the IAM API Reference."""
    with pytest.raises(ClientError) as caught:
        getattr(made, operation)(**parameters)
    assert (code, message) == (caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"])


def test_the_role_of_rds(made: Client) -> None:
    """The service-linked one: there is one, with RDS's own policy (RDS User Guide, "Using service-linked roles")."""
    name, service = {"RoleName": "AWSServiceRoleForRDS"}, {"AWSServiceName": "rds.amazonaws.com"}
    with pytest.raises(made.exceptions.InvalidInputException, match="Custom suffix is not allowed for rds.amazonaws.com"):
        made.create_service_linked_role(**service, CustomSuffix="ours")
    made.create_service_linked_role(**service)
    with pytest.raises(made.exceptions.InvalidInputException, match="AWSServiceRoleForRDS has been taken in this account"):
        made.create_service_linked_role(**service)
    role = made.get_role(**name)["Role"]
    assert ("/aws-service-role/rds.amazonaws.com/", "Allows Amazon RDS to manage AWS resources on your behalf") == (
        role["Path"], role["Description"],
    )  # fmt: skip
    [policy] = made.list_attached_role_policies(**name)["AttachedPolicies"]
    assert "arn:aws:iam::aws:policy/aws-service-role/AmazonRDSServiceRolePolicy" == policy["PolicyArn"]
    task = made.delete_service_linked_role(**name)["DeletionTaskId"]
    assert task.startswith("task/aws-service-role/rds.amazonaws.com/AWSServiceRoleForRDS/")
    assert "SUCCEEDED" == made.get_service_linked_role_deletion_status(DeletionTaskId=task)["Status"]
    assert "NoSuchEntity" == refused(made.get_role, **name)
