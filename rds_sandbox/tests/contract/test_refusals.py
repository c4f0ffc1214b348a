"""What AWS refuses, through boto3 that sends whatever it is given: missing and wrong parameters, names, states.

Each with the code that the API reference of the action documents, or its service's "Common Errors".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from botocore.httpsession import URLLib3Session

from tests import functions
from tests.contract.test_every_operation import client_of
from tests.instance import refused
from tests.support import REGION, Client, make_client, wait_for, wanted

pytestmark = pytest.mark.usefixtures("emptied")

INSTANCE = wanted("refused")
SPAN = {"StartTime": "2026-01-01T00:00:00Z", "EndTime": "2026-01-02T00:00:00Z"}
METRIC = {**SPAN, "Namespace": "AWS/RDS", "MetricName": "CPUUtilization"}
RDS = "arn:aws:rds:ca-central-1:123456789012"
FUNCTION = "arn:aws:lambda:ca-central-1:123456789012:function:x"
TOPIC = "arn:aws:sns:ca-central-1:123456789012:x"
EVERYTHING = "".join(map(chr, range(33, 127)))
NO_KEY = "00000000-0000-0000-0000-000000000000"


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "code"),
    [
        ("rds", "modify_db_instance", {}, "MissingParameter"),
        ("rds", "modify_db_instance", {"DBInstanceIdentifier": ""}, "InvalidParameterValue"),
        ("rds", "create_db_instance", {**INSTANCE, "AllocatedStorage": "much"}, "InvalidParameterValue"),
        ("rds", "create_db_instance", {**INSTANCE, "Timezone": "UTC"}, "InvalidParameterCombination"),
        ("rds", "create_db_instance", {**INSTANCE, "NetworkType": "DUAL"}, "NotInSandbox"),
        ("rds", "create_db_instance", {**INSTANCE, "DBParameterGroupName": "nowhere"}, "DBParameterGroupNotFound"),
        ("rds", "create_db_instance", {**INSTANCE, "DBParameterGroupName": "default.postgres17"}, "InvalidParameterCombination"),
        (
            "rds",
            "start_db_instance",
            {"DBInstanceIdentifier": "x", "DBCapacityReservationIdentifier": "dbcr-x"},
            "NotInSandbox",
        ),
        ("rds", "restore_db_instance_from_db_snapshot", {"DBInstanceIdentifier": "x"}, "InvalidParameterCombination"),
        ("rds", "describe_pending_maintenance_actions", {"Filters": [{"Name": "x", "Values": ["x"]}]}, "InvalidParameterValue"),
        # RDS API Reference, DescribeEvents and its like, Filters: "This parameter isn't currently supported."
        *(
            ("rds", operation, {**more, "Filters": [{"Name": "x", "Values": ["x"]}]}, "InvalidParameterValue")
            for operation, more in (
                ("describe_certificates", {}),
                ("describe_db_log_files", {"DBInstanceIdentifier": "x"}),
                ("describe_db_parameter_groups", {}),
                ("describe_db_subnet_groups", {}),
                ("describe_event_subscriptions", {}),
                ("describe_events", {}),
                ("describe_orderable_db_instance_options", {"Engine": "postgres"}),
                ("list_tags_for_resource", {"ResourceName": f"{RDS}:db:x"}),
            )
        ),
        ("rds", "describe_db_instances", {"MaxRecords": 5}, "InvalidParameterValue"),
        ("rds", "describe_db_instances", {"Marker": "x"}, "InvalidParameterValue"),
        ("rds", "describe_db_subnet_groups", {"MaxRecords": 101}, "InvalidParameterValue"),
        ("rds", "describe_db_parameters", {"DBParameterGroupName": "default.postgres18", "Source": "x"}, "InvalidParameterValue"),
        ("rds", "list_tags_for_resource", {"ResourceName": f"{RDS}:db:nobody"}, "DBInstanceNotFound"),
        ("rds", "add_tags_to_resource", {"ResourceName": f"{RDS}:snapshot:x", "Tags": [{"Key": "x"}]}, "DBSnapshotNotFound"),
        ("rds", "delete_db_snapshot", {"DBSnapshotIdentifier": "arn:aws:iam::123456789012:role/x"}, "DBSnapshotNotFound"),
        ("rds", "remove_tags_from_resource", {"ResourceName": f"{RDS}:pg:x", "TagKeys": ["x"]}, "DBParameterGroupNotFound"),
        *(
            ("secretsmanager", operation, {"SecretId": "not *a? name", **more}, "ValidationException")
            for operation, more in (
                ("delete_secret", {}),
                ("describe_secret", {}),
                ("get_resource_policy", {}),
                ("get_secret_value", {}),
                ("list_secret_version_ids", {}),
                ("put_secret_value", {"SecretString": "x"}),
                ("restore_secret", {}),
                ("rotate_secret", {}),
                ("tag_resource", {"Tags": [{"Key": "x", "Value": "x"}]}),
                ("untag_resource", {"TagKeys": ["x"]}),
                ("update_secret", {"Description": "x"}),
            )
        ),
        ("ec2", "run_instances", {"MinCount": 2, "MaxCount": 1}, "InvalidParameterValue"),
        ("ec2", "run_instances", {"MinCount": 2617, "MaxCount": 3000}, "VcpuLimitExceeded"),
        ("ec2", "create_security_group", {"GroupName": "x"}, "MissingParameter"),
        ("ec2", "create_security_group", {"GroupName": "sg-x", "Description": "x"}, "InvalidParameterValue"),
        ("ec2", "create_security_group", {"GroupName": "x", "Description": "é"}, "InvalidParameterValue"),
        ("ec2", "create_security_group", {"GroupName": "x" * 256, "Description": "x"}, "InvalidParameterValue"),
        ("ec2", "describe_security_groups", {"MaxResults": 4}, "InvalidParameterValue"),
        ("ec2", "describe_security_group_rules", {"MaxResults": 4}, "InvalidParameterValue"),
        ("ec2", "describe_security_groups", {"Filters": [{"Name": "group-id", "Values": ["sg-x"]}]}, "InvalidGroupId.Malformed"),
        (
            "ec2",
            "describe_security_group_rules",
            {"Filters": [{"Name": "group-id", "Values": ["sg-x"]}]},
            "InvalidGroupId.Malformed",
        ),
        ("lambda", "list_functions", {"MaxItems": 0}, "ValidationException"),
        ("lambda", "update_function_configuration", {"FunctionName": "x", "Timeout": "soon"}, "SerializationException"),
        ("lambda", "get_function_configuration", {"FunctionName": ""}, "NotInSandbox"),
        ("logs", "create_log_group", {"logGroupName": "a b"}, "InvalidParameterException"),
        ("cognito-idp", "create_user_pool", {}, "InvalidParameterException"),
        ("secretsmanager", "create_secret", {"Name": "a b", "SecretString": "x"}, "ValidationException"),
        ("secretsmanager", "get_secret_value", {}, "ValidationException"),
        (
            "secretsmanager",
            "create_secret",
            {"Name": "x", "SecretString": "x", "SecretBinary": b"x"},
            "InvalidParameterException",
        ),
        ("secretsmanager", "create_secret", {"Name": "x", "KmsKeyId": "alias/nowhere"}, "EncryptionFailure"),
        ("secretsmanager", "put_resource_policy", {"SecretId": "x", "ResourcePolicy": "{"}, "MalformedPolicyDocumentException"),
        ("resourcegroupstaggingapi", "get_resources", {"TagFilters": [{}]}, "InvalidParameterException"),
        ("cloudwatch", "get_metric_statistics", {**METRIC, "Period": 61, "Statistics": ["Sum"]}, "InvalidParameterValue"),
        ("cloudwatch", "get_metric_statistics", {**METRIC, "Period": 60, "ExtendedStatistics": ["p90"]}, "NotInSandbox"),
        ("cloudwatch", "get_metric_data", {**SPAN, "MetricDataQueries": [{"Id": "m", "Expression": "1 + 1"}]}, "NotInSandbox"),
        (
            "cloudwatch",
            "get_metric_statistics",
            {**METRIC, "EndTime": "2026-01-03T00:00:00Z", "Period": 60, "Statistics": ["Sum"]},
            "InvalidParameterCombination",
        ),
        # CloudWatch API Reference, PutMetricData and MetricDatum; User Guide, "Publish custom metrics".
        *(
            ("cloudwatch", "put_metric_data", {"Namespace": "Own", **data}, code)
            for code, data in (
                ("MissingParameter", {}),
                ("NotInSandbox", {"EntityMetricData": [{"MetricData": [{"MetricName": "x", "Value": 1.0}]}]}),
                ("InvalidParameterValue", {"MetricData": [{"MetricName": "x", "Value": 1e200}]}),
                (
                    "InvalidParameterValue",
                    {"MetricData": [{"MetricName": "x", "Timestamp": "2020-01-01T00:00:00Z", "Value": 1.0}]},
                ),
                (
                    "InvalidParameterValue",
                    {"MetricData": [{"MetricName": "x", "Timestamp": "2099-01-01T00:00:00Z", "Value": 1.0}]},
                ),
                ("InvalidParameterValue", {"MetricData": [{"MetricName": "x", "StorageResolution": 5, "Value": 1.0}]}),
            )
        ),
        # SNS API Reference, Subscribe and Publish.
        *(
            ("sns", "subscribe", {"TopicArn": TOPIC, "Protocol": protocol, **endpoint}, "InvalidParameter")
            for protocol, endpoint in (
                ("bogus", {"Endpoint": "x"}),
                ("email", {}),
                ("email", {"Endpoint": "nobody"}),
                ("http", {"Endpoint": "https://x"}),
                ("https", {"Endpoint": "http://x"}),
                ("lambda", {"Endpoint": "x"}),
            )
        ),
        ("sns", "publish", {"Message": "x"}, "InvalidParameter"),
        ("sns", "publish", {"TopicArn": TOPIC, "Message": ""}, "InvalidParameter"),
        ("sns", "get_topic_attributes", {"TopicArn": "x"}, "InvalidParameter"),
        ("kms", "create_key", {"Origin": "EXTERNAL"}, "NotInSandbox"),
        ("kms", "create_alias", {"AliasName": "alias/aws/x", "TargetKeyId": NO_KEY}, "NotAuthorizedException"),
        ("kms", "list_grants", {"KeyId": NO_KEY}, "NotFoundException"),
        (
            "logs",
            "tag_resource",
            {"resourceArn": "arn:aws:logs:ca-central-1:123456789012:log-group:x", "tags": {"x": ""}},
            "ResourceNotFoundException",
        ),
        # CloudWatch Logs API Reference, PutLogEvents and InputLogEvent.
        *(
            (
                "logs",
                "put_log_events",
                {"logGroupName": "x", "logStreamName": "x", "logEvents": events},
                "InvalidParameterException",
            )
            for events in (
                [{"timestamp": 1, "message": ""}],
                [{"timestamp": 1, "message": "x"}, {"timestamp": 86_400_002, "message": "x"}],
            )
        ),
        # A token of no page: the errors of each action, else "Common Errors".
        ("iam", "list_roles", {"Marker": "x"}, "ValidationError"),
        ("ssm", "get_parameters_by_path", {"Path": "/", "NextToken": "x"}, "InvalidNextToken"),
        ("sns", "list_topics", {"NextToken": "x"}, "InvalidParameter"),
        ("scheduler", "list_schedules", {"NextToken": "x"}, "ValidationException"),
        (
            "scheduler",
            "list_tags_for_resource",
            {"ResourceArn": "arn:aws:scheduler:ca-central-1:123456789012:schedule-group/no"},
            "ResourceNotFoundException",
        ),
        # Systems Manager API Reference, PutParameter, Name, and GetParametersByPath, Path.
        ("ssm", "put_parameter", {"Name": "a b", "Value": "x", "Type": "String"}, "ValidationException"),
        ("ssm", "get_parameters_by_path", {"Path": "a"}, "ValidationException"),
        ("iam", "create_role", {"RoleName": "a b", "AssumeRolePolicyDocument": "{}"}, "ValidationError"),
        ("ssm", "get_parameter", {}, "ValidationException"),
        # AWS General Reference, "Tagging AWS resources": reserved prefixes.
        ("rds", "create_db_instance", {**INSTANCE, "Tags": [{"Key": "aws:x", "Value": ""}]}, "InvalidParameterValue"),
        ("rds", "add_tags_to_resource", {"ResourceName": "x", "Tags": [{"Key": "RDS:x"}]}, "InvalidParameterValue"),
        ("rds", "remove_tags_from_resource", {"ResourceName": "x", "TagKeys": ["aws:x"]}, "InvalidParameterValue"),
        # RDS API Reference, Tag: 128 and 256 characters; letters, digits, white-space and some symbols.
        ("rds", "create_db_instance", {**INSTANCE, "Tags": [{"Key": "x" * 129, "Value": ""}]}, "InvalidParameterValue"),
        ("rds", "create_db_instance", {**INSTANCE, "Tags": [{"Key": "x", "Value": "x" * 257}]}, "InvalidParameterValue"),
        ("rds", "create_db_instance", {**INSTANCE, "Tags": [{"Key": "x", "Value": "off=(M-F,18)"}]}, "InvalidParameterValue"),
        ("rds", "create_db_instance", {**INSTANCE, "Tags": [{"Key": "x#", "Value": "x"}]}, "InvalidParameterValue"),
        ("rds", "add_tags_to_resource", {"ResourceName": "x", "Tags": [{"Key": "x", "Value": "a\nb"}]}, "InvalidParameterValue"),
        ("ec2", "create_tags", {"Resources": ["sg-0"], "Tags": [{"Key": "aws:x"}]}, "InvalidParameterValue"),
        ("secretsmanager", "create_secret", {"Name": "x", "Tags": [{"Value": "x"}]}, "InvalidParameterException"),
        ("secretsmanager", "create_secret", {"Name": "x", "Tags": [{"Key": "x", "Value": "x"}] * 2}, "InvalidParameterException"),
        ("secretsmanager", "get_random_password", {"ExcludeCharacters": EVERYTHING}, "InvalidParameterException"),
        ("sns", "create_topic", {"Name": "x", "Attributes": {"Policy": "x"}}, "InvalidParameter"),
        ("sns", "create_topic", {"Name": "x", "Attributes": {"Nothing": "x"}}, "InvalidParameter"),
        ("logs", "put_resource_policy", {"policyName": "x", "policyDocument": "x"}, "InvalidParameterException"),
        (
            "ec2",
            "create_vpc",
            {"TagSpecifications": [{"ResourceType": "vpc", "Tags": [{"Key": "AWS:x"}]}]},
            "InvalidParameterValue",
        ),
        ("lambda", "tag_resource", {"Resource": FUNCTION, "Tags": {"aws:x": ""}}, "InvalidParameterValueException"),
        ("cognito-idp", "create_user_pool", {"PoolName": "x", "UserPoolTags": {"aws:x": ""}}, "InvalidParameterException"),
        ("kms", "create_key", {"Tags": [{"TagKey": "aws:x", "TagValue": ""}]}, "TagException"),
        ("logs", "tag_log_group", {"logGroupName": "x", "tags": {"aws:x": ""}}, "InvalidParameterException"),
        ("iam", "tag_role", {"RoleName": "x", "Tags": [{"Key": "aws:x", "Value": ""}]}, "InvalidInput"),
        (
            "ssm",
            "put_parameter",
            {"Name": "x", "Value": "x", "Type": "String", "Tags": [{"Key": "aws:x", "Value": ""}]},
            "ValidationException",
        ),
    ],
)
def test_parameters(sandbox: Mapping[str, str], service: str, operation: str, parameters: dict[str, Any], code: str) -> None:
    """Missing, of another type, too long, not of the pattern, not one of the values, another engine's."""
    assert code == refused(getattr(client_of(sandbox, service), operation), **parameters)


def test_tags_of_rds(rds: Client) -> None:
    """Letters of any alphabet, digits, spaces and symbols; without a value it is empty (RDS API Reference, Tag)."""
    group = {"DBParameterGroupName": "tagged", "DBParameterGroupFamily": "postgres18", "Description": "x"}
    label = {"Key": "Équipe 1_.:/=+-@", "Value": "Жуки\u00a0и 蜂"}
    arn = rds.create_db_parameter_group(**group, Tags=[label, {"Key": "bare"}])["DBParameterGroup"]["DBParameterGroupArn"]
    rds.add_tags_to_resource(ResourceName=arn, Tags=[{"Key": "later"}])
    found = rds.list_tags_for_resource(ResourceName=arn)["TagList"]
    assert [label, {"Key": "bare", "Value": ""}, {"Key": "later", "Value": ""}] == found


def test_a_managed_secret_is_rds_own(rds: Client, secretsmanager: Client) -> None:
    """Nobody else changes or deletes it; its description and tag name the instance; it goes through its states.

    Secrets Manager User Guide, "Secrets managed by other services".
    """
    made = rds.create_db_instance(**wanted("refused", MasterUserPassword=None, ManageMasterUserPassword=True))
    assert "creating" == made["DBInstance"]["MasterUserSecret"]["SecretStatus"]
    secret = wait_for(rds, "refused", "available")["MasterUserSecret"]
    name: dict[str, Any] = {"SecretId": secret["SecretArn"]}
    before = secretsmanager.get_secret_value(**name)["SecretString"]
    for call, more in (
        (secretsmanager.put_secret_value, {"SecretString": "stolen"}),
        (secretsmanager.update_secret, {"SecretString": "stolen"}),
        (secretsmanager.rotate_secret, {"RotationLambdaARN": FUNCTION}),
        (secretsmanager.delete_secret, {"ForceDeleteWithoutRecovery": True}),
    ):
        assert "InvalidRequestException" == refused(call, **name, **more)
    found = secretsmanager.describe_secret(**name)
    arn = made["DBInstance"]["DBInstanceArn"]
    assert ("active", "rds", f"Secret associated with primary RDS DB instance: {arn}") == (
        secret["SecretStatus"], found["OwningService"], found["Description"],
    )  # fmt: skip
    assert {"Key": "aws:rds:primaryDBInstanceArn", "Value": arn} in found["Tags"]
    assert (True, 7) == (found["RotationEnabled"], found["RotationRules"]["AutomaticallyAfterDays"])
    answer = rds.modify_db_instance(DBInstanceIdentifier="refused", RotateMasterUserPassword=True, ApplyImmediately=True)
    assert "rotating" == answer["DBInstance"]["MasterUserSecret"]["SecretStatus"]
    assert "active" == wait_for(rds, "refused", "available")["MasterUserSecret"]["SecretStatus"]
    assert before != secretsmanager.get_secret_value(**name)["SecretString"]


def test_a_failover_needs_two_zones(rds: Client) -> None:
    """RebootDBInstance, ForceFailover: not on a single zone; on two the zones change places."""
    rds.create_db_instance(**wanted("single"))
    rds.create_db_instance(**wanted("double", MultiAZ=True))
    wait_for(rds, "single", "available")
    before = wait_for(rds, "double", "available")
    assert "InvalidParameterCombination" == refused(rds.reboot_db_instance, DBInstanceIdentifier="single", ForceFailover=True)
    rds.reboot_db_instance(DBInstanceIdentifier="double", ForceFailover=True)
    after = wait_for(rds, "double", "available")
    assert before["SecondaryAvailabilityZone"] == after["AvailabilityZone"] != after["SecondaryAvailabilityZone"]


def test_filters_of_network_interfaces(sandbox: Mapping[str, str]) -> None:
    """One without values finds nothing; those of DB instances are found by what the sandbox knows of them."""
    describe = client_of(sandbox, "ec2").describe_network_interfaces
    assert [] == describe(Filters=[{"Name": "description"}])["NetworkInterfaces"]
    ours = {"Name": "description", "Values": ["RDSNetworkInterface"]}
    assert "NotInSandbox" == refused(describe, Filters=[ours, {"Name": "status", "Values": ["in-use"]}])


def test_states_of_a_secret(secretsmanager: Client) -> None:
    """One that waits for its deletion takes no value and no tag; rotating without a function loses nothing."""
    name = {"SecretId": "plain"}
    secretsmanager.create_secret(Name="plain", SecretString="kept")
    assert "InvalidRequestException" == refused(secretsmanager.rotate_secret, **name)
    assert "InvalidParameterException" == refused(secretsmanager.tag_resource, **name, Tags=[{"Key": "aws:x", "Value": "x"}])
    assert "kept" == secretsmanager.get_secret_value(**name)["SecretString"]
    secretsmanager.delete_secret(**name)
    with pytest.raises(ClientError, match="because it was marked for deletion"):  # which Ansible looks for
        secretsmanager.get_secret_value(**name)
    for call, more in (
        (secretsmanager.put_secret_value, {"SecretString": "x"}),
        (secretsmanager.update_secret, {"Description": "x"}),
        (secretsmanager.tag_resource, {"Tags": [{"Key": "x", "Value": "x"}]}),
        (secretsmanager.create_secret, {"Name": "plain", "SecretString": "x"}),
    ):
        given = more if "Name" in more else {**name, **more}
        assert "InvalidRequestException" == refused(call, **given)
    secretsmanager.restore_secret(**name)
    assert "kept" == secretsmanager.get_secret_value(**name)["SecretString"]


@pytest.mark.parametrize(
    ("operation", "more", "message"),
    [
        (
            "delete_secret",
            {"RecoveryWindowInDays": 6},
            "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).",
        ),
        (
            "delete_secret",
            {"RecoveryWindowInDays": 7, "ForceDeleteWithoutRecovery": True},
            "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
        ),
        ("get_random_password", {"PasswordLength": 3}, "Password length is too short based on the required types."),
    ],
)
def test_a_message_of_secrets_manager(secretsmanager: Client, operation: str, more: dict[str, Any], message: str) -> None:
    """One sentence, which does not tell once more that an error occurred (as users of DeleteSecret report it)."""
    name = {"SecretId": "absent"} if operation == "delete_secret" else {}
    with pytest.raises(ClientError) as caught:
        getattr(secretsmanager, operation)(**name, **more)
    assert {"Code": "InvalidParameterException", "Message": message} == caught.value.response["Error"]


@pytest.mark.parametrize("service", ["rds", "ec2", "iam", "sts", "sns", "monitoring"])
@pytest.mark.parametrize(("form", "code"), [({}, "MissingAction"), ({"Action": "Bogus", "Version": "x"}, "InvalidAction")])
def test_a_form_that_names_no_action(sandbox: Mapping[str, str], service: str, form: dict[str, str], code: str) -> None:
    """None, or one that there is not ("Common Errors" of each; EC2, "Error codes for the Amazon EC2 API"), in XML."""
    assert f"<Code>{code}</Code>" in _posted(sandbox, service, form)


def _posted(sandbox: Mapping[str, str], service: str, form: dict[str, str]) -> str:
    """The answer to a form."""
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    request = AWSRequest("POST", sandbox["AWS_ENDPOINT_URL"], kind, urlencode(form))
    keys = Credentials(sandbox["AWS_ACCESS_KEY_ID"], sandbox["AWS_SECRET_ACCESS_KEY"])
    SigV4Auth(keys, service, REGION).add_auth(request)
    answer: str = URLLib3Session().send(request.prepare()).text
    return answer


def test_a_replica_of_a_secret(sandbox: Mapping[str, str], secretsmanager: Client) -> None:
    """It is changed in the region of its primary alone."""
    secretsmanager.create_secret(Name="copied", SecretString="x", AddReplicaRegions=[{"Region": "us-west-2"}])
    elsewhere = make_client(sandbox, "secretsmanager", region="us-west-2")
    for call, more in ((elsewhere.rotate_secret, {}), (elsewhere.update_secret_version_stage, {"VersionStage": "x"})):
        assert "InvalidParameterException" == refused(call, SecretId="copied", **more)


def test_permissions_of_a_function(sandbox: Mapping[str, str]) -> None:
    """A principal that is none, a revision that is gone, a statement twice, or one that there is not."""
    client = make_client(sandbox, "lambda")
    role = functions.make_role(make_client(sandbox, "iam"), "permitted")
    source = "def handler(event, context):\n    return 1\n"
    functions.deploy(client, functions.wanted("permitted", role, sandbox["RDS_SANDBOX_LAMBDA_RUNTIME"], source))
    statement = {"StatementId": "one", "Action": "lambda:InvokeFunction", "Principal": "cognito-idp.amazonaws.com"}
    name = {"FunctionName": "permitted"}
    client.add_permission(**name, **statement)
    for code, wrong in (
        ("ResourceConflictException", {}),
        ("InvalidParameterValueException", {"StatementId": "two", "Principal": "somebody"}),
        ("ValidationException", {"StatementId": "a b"}),
        ("ValidationException", {"StatementId": "two", "Action": "s3:GetObject"}),
        ("PreconditionFailedException", {"StatementId": "two", "RevisionId": "gone"}),
        ("NotInSandbox", {"StatementId": "two", "FunctionUrlAuthType": "NONE"}),
        ("ResourceNotFoundException", {"FunctionName": "nowhere"}),
    ):
        assert code == refused(client.add_permission, **{**name, **statement, **wrong}), wrong
    assert "ResourceNotFoundException" == refused(client.remove_permission, **name, StatementId="two")
    assert ["one"] == [each["Sid"] for each in json.loads(client.get_policy(**name)["Policy"])["Statement"]]
