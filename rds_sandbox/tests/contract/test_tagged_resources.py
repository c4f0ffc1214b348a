"""What the Resource Groups Tagging API finds, by plain boto3.

Source: Resource Groups Tagging API Reference, GetResources; "Services that support the Resource Groups Tagging API".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.instance import refused
from tests.support import Client, make_client, wait_for, wait_until, wanted

pytestmark = pytest.mark.usefixtures("emptied_each_time")

LABELS = {"By": "me"}
TAGS = [{"Key": "By", "Value": "me"}]


def found(sandbox: Mapping[str, str], **given: Any) -> set[str]:
    """Service and type of everything that carries the tag."""
    wanted = {"TagFilters": [{"Key": "By", "Values": ["me"]}], **given}
    pages = make_client(sandbox, "resourcegroupstaggingapi").get_paginator("get_resources").paginate(**wanted)
    arns = [one["ResourceARN"].split(":", 5) for page in pages for one in page["ResourceTagMappingList"]]
    return {f"{arn[2]}:{arn[5].replace(':', '/').partition('/')[0]}" for arn in arns}


def test_of_rds(sandbox: Mapping[str, str], rds: Client, ec2: Client) -> None:
    """Parameter groups, subnet groups, event subscriptions and blue/green deployments, beside instances."""
    subnets = [one["SubnetId"] for one in ec2.describe_subnets()["Subnets"]]
    topic = make_client(sandbox, "sns").create_topic(Name="told")["TopicArn"]
    group = {"DBParameterGroupName": "mine", "DBParameterGroupFamily": "postgres18", "Description": "mine"}
    rds.create_db_parameter_group(**group, Tags=TAGS)
    rds.create_db_subnet_group(DBSubnetGroupName="mine", DBSubnetGroupDescription="mine", SubnetIds=subnets, Tags=TAGS)
    rds.create_event_subscription(SubscriptionName="mine", SnsTopicArn=topic, Tags=TAGS)
    assert {"rds:pg", "rds:subgrp", "rds:es"} == found(sandbox)
    assert {"rds:es"} == found(sandbox, ResourceTypeFilters=["rds:es"])
    arn = rds.create_db_instance(**wanted("mine", BackupRetentionPeriod=1), Tags=TAGS)["DBInstance"]["DBInstanceArn"]
    wait_for(rds, "mine", "available")
    made = rds.create_blue_green_deployment(BlueGreenDeploymentName="mine", Source=arn, Tags=TAGS)["BlueGreenDeployment"]
    name = {"BlueGreenDeploymentIdentifier": made["BlueGreenDeploymentIdentifier"]}
    assert {"rds:pg", "rds:subgrp", "rds:es", "rds:db", "rds:deployment"} == found(sandbox)
    describe = rds.describe_blue_green_deployments
    assert wait_until(lambda: describe(**name)["BlueGreenDeployments"][0]["Status"] == "AVAILABLE", 60)
    rds.delete_blue_green_deployment(**name, DeleteTarget=True)
    assert wait_until(lambda: "rds:deployment" not in found(sandbox))
    rds.delete_db_parameter_group(DBParameterGroupName="mine")
    rds.delete_event_subscription(SubscriptionName="mine")
    assert {"rds:subgrp", "rds:db"} == found(sandbox)


def test_of_ec2(sandbox: Mapping[str, str], ec2: Client) -> None:
    """Rules of security groups, and VPC endpoints, as long as they are there."""
    [vpc] = ec2.describe_vpcs()["Vpcs"]
    group = ec2.create_security_group(GroupName="mine", Description="mine", VpcId=vpc["VpcId"])["GroupId"]
    rule = {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "IpRanges": [{"CidrIp": "203.0.113.10/32"}]}
    given = {"GroupId": group, "IpPermissions": [rule], "TagSpecifications": _of("security-group-rule")}
    [made] = ec2.authorize_security_group_ingress(**given)["SecurityGroupRules"]
    service = {"ServiceName": "com.amazonaws.ca-central-1.secretsmanager", "VpcEndpointType": "Interface"}
    endpoint = ec2.create_vpc_endpoint(VpcId=vpc["VpcId"], **service, TagSpecifications=_of("vpc-endpoint"))["VpcEndpoint"]
    assert {"ec2:security-group-rule", "ec2:vpc-endpoint"} == found(sandbox)
    assert {"ec2:vpc-endpoint"} == found(sandbox, ResourceTypeFilters=["ec2:vpc-endpoint"])
    ec2.revoke_security_group_ingress(GroupId=group, SecurityGroupRuleIds=[made["SecurityGroupRuleId"]])
    ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint["VpcEndpointId"]])
    assert set() == found(sandbox)


def _of(kind: str) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": TAGS}]


def test_of_cognito(sandbox: Mapping[str, str]) -> None:
    """User pools."""
    cognito = make_client(sandbox, "cognito-idp")
    pool = cognito.create_user_pool(PoolName="mine", UserPoolTags=LABELS)["UserPool"]["Id"]
    cognito.create_user_pool(PoolName="theirs")
    assert {"cognito-idp:userpool"} == found(sandbox)
    cognito.delete_user_pool(UserPoolId=pool)
    assert set() == found(sandbox)


def test_keys_and_values(sandbox: Mapping[str, str], rds: Client) -> None:
    """GetTagKeys and GetTagValues name each once; the last page of GetResources has an empty token."""
    for name in ("one", "two"):
        group = {"DBParameterGroupName": name, "DBParameterGroupFamily": "postgres18", "Description": "mine"}
        rds.create_db_parameter_group(**group, Tags=TAGS)
    tagging = make_client(sandbox, "resourcegroupstaggingapi")
    assert ["By"] == tagging.get_tag_keys()["TagKeys"]
    assert ["me"] == tagging.get_tag_values(Key="By")["TagValues"]
    answer = tagging.get_resources()
    assert (2, "") == (len(answer["ResourceTagMappingList"]), answer["PaginationToken"])


def test_one_that_fails_does_not_keep_the_others(sandbox: Mapping[str, str], rds: Client) -> None:
    """It is told, with its service's code (Resource Groups Tagging API Reference, TagResources, FailureInfo)."""
    tagging = make_client(sandbox, "resourcegroupstaggingapi")
    group = {"DBParameterGroupName": "mine", "DBParameterGroupFamily": "postgres18", "Description": "mine"}
    there = rds.create_db_parameter_group(**group)["DBParameterGroup"]["DBParameterGroupArn"]
    absent = f"{there.rpartition(':pg:')[0]}:db:absent"
    for call, given, expected in (
        (tagging.tag_resources, {"Tags": LABELS}, {"rds:pg"}),
        (tagging.untag_resources, {"TagKeys": ["By"]}, set()),
    ):
        failed = call(ResourceARNList=[absent, there], **given)["FailedResourcesMap"]
        assert {absent: (404, "DBInstanceNotFound")} == {
            key: (one["StatusCode"], one["ErrorCode"]) for key, one in failed.items()
        }
        assert expected == found(sandbox)


def test_a_parameter_that_was_only_looked_for(sandbox: Mapping[str, str]) -> None:
    """It is none, and hides nothing else."""
    ssm = make_client(sandbox, "ssm")
    assert "ParameterNotFound" == refused(ssm.get_parameter_history, Name="/absent")
    ssm.put_parameter(Name="/there", Value="x", Type="String", Tags=TAGS)
    assert {"ssm:parameter"} == found(sandbox)
