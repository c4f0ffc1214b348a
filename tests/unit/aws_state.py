"""What AWS would describe after a plan's calls, as far as plans look at it: for properties of plans.

Sources: RDS API Reference (CreateDBInstance, ModifyDBInstance, DBInstance), EC2 API Reference
(SecurityGroupRule and the four actions on rules).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from cruddur_ops.calls import Call
from cruddur_ops.network.rules import PERMISSION, Rule
from cruddur_ops.plan import Plan
from tests.unit import aws_calls

VPC = "vpc-0default"
RENAMED = {
    "Port": "DbInstancePort",
    "DBPortNumber": "DbInstancePort",
    "EnableIAMDatabaseAuthentication": "IAMDatabaseAuthenticationEnabled",
    "EnablePerformanceInsights": "PerformanceInsightsEnabled",
    "EnableCloudwatchLogsExports": "EnabledCloudwatchLogsExports",
    "Tags": "TagList",
}


def calls_of(plan: Plan) -> list[Call]:
    """The plan's calls in order, each with parameters that botocore accepts."""
    calls = [call for change in plan.mutating for call in change.calls]
    for call in calls:
        assert "" == aws_calls.invalid(call.service, call.operation, call.parameters)
    return calls


def created_instance(parameters: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """The DBInstance that CreateDBInstance makes, once it is available."""
    item = {
        "DBInstanceStatus": "available",
        "DBInstanceArn": "arn:aws:rds:ca-central-1:000000000000:db:cruddur-db-instance",
        "DbiResourceId": "db-EXAMPLE",
        "DBSubnetGroup": {"DBSubnetGroupName": "default", "VpcId": VPC},
        "DBParameterGroups": [{"DBParameterGroupName": "default.postgres18"}],
        "OptionGroupMemberships": [{"OptionGroupName": "default:postgres-18"}],
        "CACertificateIdentifier": "rds-ca-rsa2048-g1",
        "IAMDatabaseAuthenticationEnabled": False,
        "MultiAZ": False,
        "MonitoringInterval": 0,
        "NetworkType": "IPV4",
        "PreferredBackupWindow": "03:00-03:30",
        "PreferredMaintenanceWindow": "sun:03:00-sun:03:30",
        "Endpoint": {"Address": "cruddur-db-instance.example.ca-central-1.rds.amazonaws.com", "Port": 5432},
        "MasterUserSecret": {"SecretArn": "arn:aws:secretsmanager:ca-central-1:000000000000:secret:rds!db"},
        "AvailabilityZone": "ca-central-1a",
    }
    return modified_instance(item, parameters) | more


def modified_instance(item: Mapping[str, Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The same DBInstance with these parameters of CreateDBInstance or ModifyDBInstance."""
    changed = {RENAMED.get(name, name): value for name, value in parameters.items()}
    groups = changed.pop("VpcSecurityGroupIds", None)
    logs = changed.pop("CloudwatchLogsExportConfiguration", {}).get("EnableLogTypes", [])
    if name := changed.pop("DBSubnetGroupName", ""):
        changed["DBSubnetGroup"] = {"DBSubnetGroupName": name, "VpcId": VPC}
    if name := changed.pop("DBParameterGroupName", ""):
        changed["DBParameterGroups"] = [{"DBParameterGroupName": name}]
    if groups is not None:
        changed["VpcSecurityGroups"] = [{"VpcSecurityGroupId": group} for group in groups]
    if logs:
        changed["EnabledCloudwatchLogsExports"] = [*item.get("EnabledCloudwatchLogsExports", []), *logs]
    if not changed.get("PerformanceInsightsEnabled", True):
        changed["PerformanceInsightsRetentionPeriod"] = None
    if changed.get("MaxAllocatedStorage") == changed.get("AllocatedStorage", item.get("AllocatedStorage")):
        changed["MaxAllocatedStorage"] = None
    if changed.pop("ManageMasterUserPassword", False):
        changed["MasterUserSecret"] = {"SecretArn": "arn:aws:secretsmanager:ca-central-1:000000000000:secret:rds!db"}
    return {**item, **changed}


def instance_after(item: Mapping[str, Any] | None, plan: Plan) -> dict[str, Any]:
    """The DBInstance after a plan."""
    for call in calls_of(plan):
        if call.operation == "create_db_instance":
            item = created_instance(call.parameters)
        elif call.operation == "add_tags_to_resource":
            assert item is not None
            assert item["DBInstanceArn"] == call.parameters["ResourceName"]
            item = {**item, "TagList": [*item.get("TagList", []), *call.parameters["Tags"]]}
        else:
            assert "modify_db_instance" == call.operation
            assert item is not None
            item = modified_instance(item, call.parameters)
    assert item is not None
    return dict(item)


def described_rule(request: Mapping[str, Any], rule_id: str, group_id: str) -> dict[str, Any]:
    """The SecurityGroupRule that a SecurityGroupRuleRequest makes."""
    group = request.get("ReferencedGroupId")
    item = {name: value for name, value in request.items() if name != "ReferencedGroupId"}
    referenced = {"ReferencedGroupInfo": {"GroupId": group}} if group else {}
    return {"SecurityGroupRuleId": rule_id, "GroupId": group_id, "IsEgress": False, **item, **referenced}


def rules_after(rules: Iterable[Rule], plan: Plan) -> list[Rule]:
    """The rules after a plan; a rule that is there already is refused, as EC2 does."""
    found = {rule.id: rule for rule in rules}
    for call in calls_of(plan):
        _make(found, call)
        by_group = [(rule.group_id, rule) for rule in found.values()]
        assert len(by_group) == len(set(by_group)), "InvalidPermission.Duplicate"
    return list(found.values())


def _make(found: dict[str, Rule], call: Call) -> None:
    parameters = call.parameters
    if call.operation == "revoke_security_group_ingress":
        for rule_id in parameters["SecurityGroupRuleIds"]:
            assert parameters["GroupId"] == found.pop(rule_id).group_id
    elif call.operation == "modify_security_group_rules":
        for update in parameters["SecurityGroupRules"]:
            old = found[update["SecurityGroupRuleId"]]
            new = Rule.described(described_rule(update["SecurityGroupRule"], old.id, old.group_id))
            found[old.id] = replace(new, tags=old.tags)
    elif call.operation == "create_tags":
        for rule_id in parameters["Resources"]:
            found[rule_id] = replace(found[rule_id], tags={**found[rule_id].tags, **_tags(parameters["Tags"])})
    else:
        assert "authorize_security_group_ingress" == call.operation
        for item in authorized(parameters):
            found[item["SecurityGroupRuleId"]] = Rule.described(item)


def authorized(parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The SecurityGroupRules that AuthorizeSecurityGroupIngress makes."""
    sources = dict(PERMISSION.values())
    names = {member: name for name, (_, member) in PERMISSION.items()}
    tags = [tag for spec in parameters.get("TagSpecifications", []) for tag in spec["Tags"]]
    made: list[dict[str, Any]] = []
    for permission in parameters["IpPermissions"]:
        for listed, member in sources.items():
            for entry in permission.get(listed, []):
                request = {name: permission[name] for name in ("IpProtocol", "FromPort", "ToPort")}
                request |= {names[member]: entry[member]}
                request |= {"Description": entry["Description"]} if "Description" in entry else {}
                rule_id = f"sgr-new{len(made)}"
                made.append({**described_rule(request, rule_id, parameters["GroupId"]), "Tags": tags})
    return made


def _tags(items: Sequence[Mapping[str, str]]) -> dict[str, str]:
    return {item["Key"]: item["Value"] for item in items}
