"""What a rehearsal does in each notebook, for a record of its calls, and for a proof that a policy is enough for them.

Each branch once: what is missing is made, what is there is left alone, what differs is changed, and what was made is undone; then
the verbs that belong to a notebook.
"""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from cruddur_ops import cli
from rds_sandbox import Sandbox
from tests.notebooks.in_process import NAMES, Notebooks

INSTANCE, ADDRESS = "cruddur-db-instance", "203.0.113.77"
TOPIC = {"CRUDDUR_ALARM_TOPIC_ARN": "arn:aws:sns:ca-central-1:123456789012:alarms"}
UNDO_05 = """
from cruddur_ops import cognito, load_target
plan = cognito.plan_undeploy(load_target("local")) + cognito.plan_remove_pool(load_target("local"))
plan.apply()
"""
MISSING = """
from cruddur_ops import iam, load_target
iam.missing(load_target("local"), "arn:aws:iam::123456789012:user/rehearsed")
"""
STOP = """
from cruddur_ops import load_target, rds
rds.plan_stop(load_target("local"), keep=True).apply()
"""


@dataclass(frozen=True)
class Part:
    """Something that is done in a rehearsal, after the account was brought into a state for that.

    Attributes:
        notebook: to which its calls belong.
        parameters: of the notebook.
        code: to run in the place of the notebook.
        verb: of the command line, likewise.
        variables: of the environment.
        before: what somebody else does first, with the owner's clients.
    """

    notebook: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    code: str = ""
    verb: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    before: Callable[[Sandbox], object] = lambda _: None

    def run(self, shell: Notebooks) -> str:
        """The error; empty where there was none."""
        with patch.dict(os.environ, self.variables):
            return self._run(shell)

    def _run(self, shell: Notebooks) -> str:
        if self.verb:
            try:
                cli.main(self.verb.split(), prog_name="cruddur-ops", standalone_mode=False)
            except SystemExit as ended:
                return f"exit code {ended.code}" if ended.code else ""
            return ""
        if self.code:
            return shell.run_code(self.code)
        return shell.run(self.notebook, **self.parameters)[self.notebook]


def _moved(it: Sandbox) -> None:
    it.simulate("address", address=ADDRESS)


def _group(it: Sandbox) -> str:
    found = it.client("ec2").describe_security_groups(Filters=[{"Name": "group-name", "Values": [f"{INSTANCE}-access"]}])
    return str(found["SecurityGroups"][0]["GroupId"])


def _untagged(it: Sandbox) -> None:
    """An earlier version's work: it does not say for which instance it is."""
    rds, secrets = it.client("rds"), it.client("secretsmanager")
    [instance] = rds.describe_db_instances()["DBInstances"]
    rds.remove_tags_from_resource(ResourceName=instance["DBInstanceArn"], TagKeys=["DBInstance"])
    it.client("ec2").delete_tags(Resources=[_group(it)], Tags=[{"Key": "DBInstance"}])
    for secret in secrets.list_secrets()["SecretList"]:
        if not secret["Name"].startswith("rds!"):
            secrets.untag_resource(SecretId=secret["ARN"], TagKeys=["DBInstance"])


def _scheduled(it: Sandbox) -> None:
    """A secret is on its way out, and another has no value."""
    it.client("secretsmanager").delete_secret(SecretId=f"{INSTANCE}/cruddur_reader", RecoveryWindowInDays=7)


def _drifted(it: Sandbox) -> None:
    """Somebody has changed the function, its role, its log group and who may call it by hand."""
    functions, iam, name = it.client("lambda"), it.client("iam"), f"{INSTANCE}-post-confirmation"
    functions.update_function_configuration(FunctionName=name, Timeout=99)
    functions.get_waiter("function_updated").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    functions.update_function_code(FunctionName=name, ZipFile=_zip())
    functions.get_waiter("function_updated").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    functions.remove_permission(FunctionName=name, StatementId=_statement(functions, name))
    policy = iam.get_role_policy(RoleName=name, PolicyName="post-confirmation")["PolicyDocument"]
    policy["Statement"].pop()
    iam.put_role_policy(RoleName=name, PolicyName="post-confirmation", PolicyDocument=json.dumps(policy))
    trust = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    trust["Statement"][0]["Principal"]["Service"] = ["lambda.amazonaws.com", "ec2.amazonaws.com"]
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(trust))
    it.client("logs").put_retention_policy(logGroupName=f"/aws/lambda/{name}", retentionInDays=1)


def _statement(functions: Any, name: str) -> str:
    return str(json.loads(functions.get_policy(FunctionName=name)["Policy"])["Statement"][0]["Sid"])


def _zip() -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr("nothing.py", "")
    return written.getvalue()


def _older(it: Sandbox) -> None:
    """The operator has a second rule, of an address of the past, and somebody has one of a prefix list."""
    ec2, port = it.client("ec2"), {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432}
    rules = ec2.describe_security_group_rules()["SecurityGroupRules"]
    labels = next(one["Tags"] for one in rules if one.get("CidrIpv4") == f"{ADDRESS}/32")
    ec2.authorize_security_group_ingress(
        GroupId=_group(it),
        IpPermissions=[{**port, "IpRanges": [{"CidrIp": "203.0.113.5/32"}]}],
        TagSpecifications=[{"ResourceType": "security-group-rule", "Tags": labels}],
    )
    entries = [{"Cidr": "198.51.100.0/24"}]
    made = ec2.create_managed_prefix_list(PrefixListName="others", MaxEntries=1, AddressFamily="IPv4", Entries=entries)
    listed = [{"PrefixListId": made["PrefixList"]["PrefixListId"]}]
    ec2.authorize_security_group_ingress(GroupId=_group(it), IpPermissions=[{**port, "PrefixListIds": listed}])


def _foreign(it: Sandbox) -> None:
    """Somebody has let the instance's group answer to that of the function, with rules of their own."""
    ec2, found = it.client("ec2"), it.client("ec2").describe_security_groups(GroupNames=[f"{INSTANCE}-post-confirmation"])
    pairs = [{"GroupId": found["SecurityGroups"][0]["GroupId"]}]
    rule = {"IpProtocol": "tcp", "FromPort": 9999, "ToPort": 9999, "UserIdGroupPairs": pairs}
    ec2.authorize_security_group_egress(GroupId=_group(it), IpPermissions=[rule])


def parts() -> Iterator[Part]:
    """In their order, which leaves nothing behind."""
    named = {name[:2]: name for name in NAMES}
    yield Part(named["00"])
    yield Part(named["00"], code=MISSING, before=lambda it: it.client("iam").create_user(UserName="rehearsed"))
    yield Part(named["01"])
    yield Part(named["02"])
    yield Part(named["03"])
    yield Part(named["04"])
    yield Part(named["05"])
    yield Part(named["06"])
    yield Part(named["06"], variables=TOPIC, before=lambda it: it.client("sns").create_topic(Name="alarms"))
    yield Part(named["00"])
    yield Part(named["01"], before=_untagged)
    yield Part(named["01"], {"db_instance_class": "db.t4g.small", "at_once": True})
    yield Part(named["02"], before=_moved)
    yield Part(named["02"], before=_older)
    yield Part(named["02"], verb="security-group open")
    yield Part(named["02"], verb="db diagnose")
    yield Part(named["03"])
    yield Part(named["03"], before=_scheduled)
    yield Part(named["03"], verb="db rollback")
    yield Part(named["03"], {"rehearse": True})
    yield Part(named["05"])
    yield Part(named["05"], before=_drifted)
    yield Part(named["05"], verb="users sync")
    yield Part(named["05"], code=UNDO_05, before=_foreign)
    yield Part(named["05"])
    yield Part(named["07"])
    yield Part(named["07"], verb="rds status")
    yield Part(named["07"], verb="rds logs")
    yield Part(named["08"])
    yield Part(named["08"], verb="rds snapshots")
    yield Part(named["08"], verb=f"rds snapshot {INSTANCE}-diagnosed")
    yield Part(named["09"], verb="rds diagnose --upgrade 18")
    yield Part(named["08"], verb=f"rds diagnose --restore {INSTANCE}-diagnosed")
    yield Part(named["08"], verb=f"rds delete-snapshot {INSTANCE}-diagnosed")
    yield Part(named["09"], {"rows": 1000})
    yield Part(named["09"], {"rows": 1000, "method": "blue/green"})
    yield Part(named["10"], verb="rds leftovers")
    yield Part(named["10"], verb="expired")
    yield Part(named["07"], code=STOP)
    yield Part(named["10"], {"final_snapshot": f"{INSTANCE}-final"}, before=_foreign)
