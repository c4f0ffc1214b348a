"""What others have hung on a security group or a role of ours: AWS would refuse to delete it, when other things are gone."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from cruddur_ops import aws, dependents, tags
from cruddur_ops.target import Target
from tests.unit.conftest import ACCOUNT, Stub

TARGET = Target("test", account_id=ACCOUNT, owner="alice", db_instance_identifier="x")
PORT = {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432}
Made = tuple[str, Any]  # the id of our group, EC2


@pytest.fixture
def group(account: str) -> Made:
    """A group of ours, whose own rule names it, too; and one with a rule of ours for it."""
    ec2 = aws.client(TARGET, "ec2")
    made = [ec2.create_security_group(GroupName=name, Description="test")["GroupId"] for name in ("ours", "other")]
    pair = {**PORT, "UserIdGroupPairs": [{"GroupId": made[0]}]}
    marked = [{"ResourceType": "security-group-rule", "Tags": tags.as_list(tags.of(TARGET))}]
    for name in made:
        ec2.authorize_security_group_ingress(GroupId=name, IpPermissions=[pair], TagSpecifications=marked)
    return made[0], ec2


def test_a_group_that_nobody_else_relies_on_can_go(group: Made) -> None:
    """Neither its own rule nor one of ours keeps it: that goes before."""
    assert "" == dependents.of_group(TARGET, group[0])


def inbound(group_id: str, ec2: Any) -> str:
    """Somebody's rule for what is in it."""
    theirs = ec2.create_security_group(GroupName="theirs", Description="test")["GroupId"]
    pair = {**PORT, "UserIdGroupPairs": [{"GroupId": group_id}]}
    made = ec2.authorize_security_group_ingress(GroupId=theirs, IpPermissions=[pair])["SecurityGroupRules"]
    return f"rule {made[0]['SecurityGroupRuleId']} of theirs"


def outbound(group_id: str, ec2: Any) -> str:
    """Somebody's rule for connections to it."""
    theirs = ec2.create_security_group(GroupName="theirs", Description="test")["GroupId"]
    pair = {**PORT, "UserIdGroupPairs": [{"GroupId": group_id}]}
    made = ec2.authorize_security_group_egress(GroupId=theirs, IpPermissions=[pair])["SecurityGroupRules"]
    return f"rule {made[0]['SecurityGroupRuleId']} of theirs"


@pytest.mark.parametrize("hang", [inbound, outbound])
def test_a_rule_in_a_group_of_ours_keeps_no_other(hang: Callable[[str, Any], str], group: Made) -> None:
    """Whoever made it: the group is this target's, and all that stands in it goes before the one that it names."""
    hang(*group)
    [theirs] = group[1].describe_security_groups(Filters=[{"Name": "group-name", "Values": ["theirs"]}])["SecurityGroups"]
    group[1].create_tags(Resources=[theirs["GroupId"]], Tags=tags.as_list(tags.of(TARGET)))
    assert "" == dependents.of_group(TARGET, group[0])


def attached(group_id: str, ec2: Any) -> str:
    """Somebody's machine in it."""
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    made = ec2.create_network_interface(SubnetId=subnet, Groups=[group_id])["NetworkInterface"]
    return f"network interface {made['NetworkInterfaceId']}"


def database(group_id: str, _: Any) -> str:
    """Another DB instance that has it."""
    given = {"Engine": "postgres", "DBInstanceClass": "db.t4g.micro", "MasterUsername": "root", "MasterUserPassword": "Correct-1"}
    for name in ("x", "copy"):  # the target's own goes before
        aws.client(TARGET, "rds").create_db_instance(DBInstanceIdentifier=name, VpcSecurityGroupIds=[group_id], **given)
    return "DB instance copy"


@pytest.mark.parametrize("hang", [inbound, outbound, attached, database])
def test_a_group_that_others_rely_on_stays(hang: Callable[[str, Any], str], group: Made) -> None:
    """It is said who; EC2 would answer DependencyViolation."""
    found = hang(*group)
    assert f"stays with what others have hung on it: {found}" == dependents.of_group(TARGET, group[0])


def test_shared_interfaces_are_their_owners(stub: Stub) -> None:
    """A function's or an endpoint's stays with who has it, if that is not ours; a DB instance's is told by the instance."""
    kinds = (("lambda", "AWS Lambda VPC ENI-ours"), ("vpc_endpoint", "VPC Endpoint Interface"), ("interface", dependents.OF_RDS))
    interfaces = [{"NetworkInterfaceId": f"eni-{n}", "InterfaceType": k, "Description": d} for n, (k, d) in enumerate(kinds)]
    ec2, functions = stub(TARGET, "ec2"), stub(TARGET, "lambda")
    stub(TARGET, "rds").add_response("describe_db_instances", {"DBInstances": []})
    ec2.add_response("describe_network_interfaces", {"NetworkInterfaces": interfaces})
    named = {name: f"arn:aws:lambda:ca-central-1:{ACCOUNT}:function:{name}" for name in ("ours", "theirs")}
    inside = {"VpcConfig": {"SecurityGroupIds": ["sg-1"]}}
    listed = [{"FunctionName": name, "FunctionArn": arn, **inside} for name, arn in named.items()]
    functions.add_response("list_functions", {"Functions": [{"FunctionName": "outside"}, *listed]})
    labels = {"ours": tags.of(TARGET), "theirs": {"Team": "another"}}
    for name in named:
        functions.add_response("list_tags", {"Tags": labels[name]})
    endpoints = [
        {"VpcEndpointId": f"vpce-{name}", "Groups": [{"GroupId": "sg-1"}], "Tags": tags.as_list(labels[name])} for name in labels
    ]
    ec2.add_response("describe_vpc_endpoints", {"VpcEndpoints": endpoints})
    for _ in dependents.REFERRING:
        ec2.add_response("describe_security_groups", {"SecurityGroups": []})
    expected = "stays with what others have hung on it: function theirs, VPC endpoint vpce-theirs"
    assert expected == dependents.of_group(TARGET, "sg-1")


def test_a_role_with_more_than_its_policy_stays(account: str) -> None:
    """Another's policies, an instance profile; with its own policy alone it can go."""
    iam = aws.client(TARGET, "iam")
    iam.create_role(RoleName="ours", AssumeRolePolicyDocument="{}")
    document = json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}})
    iam.put_role_policy(RoleName="ours", PolicyName="own", PolicyDocument=document)
    assert "" == dependents.of_role(TARGET, "ours", "own")
    policy = iam.create_policy(PolicyName="audit", PolicyDocument=document)["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="ours", PolicyArn=policy)
    iam.put_role_policy(RoleName="ours", PolicyName="theirs", PolicyDocument=document)
    iam.create_instance_profile(InstanceProfileName="machine")
    iam.add_role_to_instance_profile(InstanceProfileName="machine", RoleName="ours")
    expected = "policy audit, policy theirs, instance profile machine"
    assert f"stays with what others have hung on it: {expected}" == dependents.of_role(TARGET, "ours", "own")


def test_a_role_that_is_gone_can_go(account: str) -> None:
    """IAM may still show for a moment a role that has just been deleted."""
    assert "" == dependents.of_role(TARGET, "gone", "own")
