"""Security groups as EC2 describes them, and whether a server can be reached."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from cruddur_ops import network, tags
from cruddur_ops.change import Action
from cruddur_ops.errors import InstanceNotReady, NotFound, WrongInput
from cruddur_ops.network import address, groups, tunnel
from cruddur_ops.network.groups import Group
from cruddur_ops.target import Target
from tests.unit.aws_state import calls_of, created_instance
from tests.unit.conftest import ACCOUNT, Stub

TARGET = Target("test", account_id=ACCOUNT, owner="alice", operator_address="8.8.8.8")
VPCS = {"Vpcs": [{"VpcId": "vpc-0default"}]}
OWN = {
    "GroupId": "sg-0aaa",
    "GroupName": "cruddur-db-instance-access",
    "VpcId": "vpc-0default",
    "Tags": tags.as_list(tags.of(TARGET)),
}
OTHER = {"GroupId": "sg-0bbb", "GroupName": "default", "VpcId": "vpc-0default"}
INSTANCE = {
    "DBInstanceIdentifier": "cruddur-db-instance",
    "Engine": "postgres",
    "EngineVersion": "18.1",
    "MasterUsername": "cruddurroot",
    "DBInstanceClass": "db.t4g.micro",
    "StorageType": "gp3",
    "AllocatedStorage": 20,
    "StorageEncrypted": True,
    "PubliclyAccessible": True,
    "BackupRetentionPeriod": 7,
    "DeletionProtection": False,
    "CopyTagsToSnapshot": True,
    "AutoMinorVersionUpgrade": True,
}


class Answers:
    """What EC2 and RDS answer to a plan's questions."""

    def __init__(self, stub: Stub) -> None:
        """Queue answers for the target that every test here uses."""
        self.ec2, self.rds = stub(TARGET, "ec2"), stub(TARGET, "rds")

    def own_group(self, *found: dict[str, Any]) -> None:
        """To the search for the runbook's own group."""
        self.ec2.add_response("describe_vpcs", VPCS)
        self.groups(*found)

    def groups(self, *found: dict[str, Any]) -> None:
        """To a search for groups."""
        self.ec2.add_response("describe_security_groups", {"SecurityGroups": list(found)})

    def rules(self, group_ids: list[str], *found: dict[str, Any]) -> None:
        """To the search for the rules of these groups."""
        expected = {"Filters": [{"Name": "group-id", "Values": group_ids}]}
        self.ec2.add_response("describe_security_group_rules", {"SecurityGroupRules": list(found)}, expected)

    def instance(self, *group_ids: str, **more: Any) -> None:
        """To the look for the DB instance: with these groups, or none at all."""
        if group_ids:
            item = created_instance({**INSTANCE, **more, "VpcSecurityGroupIds": list(group_ids)})
            self.rds.add_response("describe_db_instances", {"DBInstances": [item]})
        else:
            self.rds.add_client_error("describe_db_instances", "DBInstanceNotFound")


@pytest.fixture
def answers(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> Answers:
    """What AWS will answer; the address service sees the address that is set."""
    monkeypatch.setattr(address, "fetch", lambda _: TARGET.operator_address)
    return Answers(stub)


def test_the_group_is_created_where_it_is_missing(answers: Answers) -> None:
    """By name, in the default VPC, with its tags."""
    answers.instance()
    answers.own_group()
    answers.own_group()
    plan = groups.plan_group(TARGET)
    [call] = calls_of(plan)
    assert "cruddur-db-instance-access" == call.parameters["GroupName"]
    assert "vpc-0default" == call.parameters["VpcId"]
    assert "+ security group cruddur-db-instance-access" == str(plan.changes[0])


def test_the_group_that_is_there(answers: Answers) -> None:
    """A second run finds it."""
    answers.instance()
    answers.own_group(OWN)
    assert () == groups.plan_group(TARGET).mutating


@pytest.mark.parametrize(
    "labels", [{}, {"ManagedBy": "cruddur-ops", "DBInstance": "other"}, {"DBInstance": "cruddur-db-instance"}]
)
def test_a_group_that_is_not_ours(labels: dict[str, str], answers: Answers) -> None:
    """Its name is not enough: it is not relied on, and a group of our own cannot have the name."""
    for _ in range(2):
        answers.instance()
    answers.own_group({**OWN, "Tags": tags.as_list(labels)})
    assert groups.describe(TARGET) is None
    for _ in range(2):
        answers.own_group({**OWN, "Tags": tags.as_list(labels)})
    with pytest.raises(WrongInput, match="cruddur-db-instance-access already, which was not made for cruddur-db-instance"):
        groups.plan_group(TARGET)


def test_a_group_of_an_earlier_version(answers: Answers) -> None:
    """The plan shows that it says from now on for which instance it is."""
    answers.instance()
    answers.own_group({**OWN, "Tags": tags.as_list({"ManagedBy": "cruddur-ops"})})
    [call] = calls_of(groups.plan_group(TARGET))
    expected = {"Resources": ["sg-0aaa"], "Tags": [{"Key": "DBInstance", "Value": "cruddur-db-instance"}]}
    assert ("create_tags", expected) == (call.operation, call.parameters)


def test_the_group_that_is_named(answers: Answers) -> None:
    """DB_SG_ID is looked up by id, whatever its VPC."""
    answers.groups(OTHER)
    assert Group("sg-0bbb", "default", "vpc-0default") == groups.describe(replace(TARGET, security_group_id="sg-0bbb"))


def test_an_instance_keeps_its_groups(answers: Answers) -> None:
    """One that was made by hand, in a VPC of its own, gets no further group; no default VPC is asked for."""
    answers.instance("sg-0bbb")
    answers.groups()
    answers.groups(OTHER)
    assert ["= security group default"] == [str(change) for change in groups.plan_group(TARGET).changes]


def subnets(*zones: str) -> dict[str, Any]:
    """The DB subnet group "private", with a subnet in each of these zones."""
    described = [{"SubnetIdentifier": f"subnet-{zone}", "SubnetAvailabilityZone": {"Name": zone}} for zone in zones]
    return {"DBSubnetGroups": [{"DBSubnetGroupName": "private", "VpcId": "vpc-0private", "Subnets": described}]}


PRIVATE = replace(TARGET, db_subnet_group_name="private")


def test_the_vpc_is_that_of_the_subnet_group(answers: Answers) -> None:
    """The group is made there, where it would be of no use in the default VPC."""
    answers.instance()
    for _ in range(2):
        answers.rds.add_response("describe_db_subnet_groups", subnets("a", "b"), {"DBSubnetGroupName": "private"})
        answers.groups()
    [call] = calls_of(groups.plan_group(PRIVATE))
    assert "vpc-0private" == call.parameters["VpcId"]


@pytest.mark.parametrize(
    ("answer", "kind", "message"),
    [
        (None, NotFound, "no DB subnet group private in ca-central-1: correct db_subnet_group_name"),
        (subnets("a", "a"), WrongInput, "has subnets in a alone, and RDS wants two zones"),
        (subnets(), WrongInput, "has subnets in no zone alone"),
    ],
)
def test_subnet_groups_that_rds_would_not_take(
    answer: dict[str, Any] | None, kind: type[Exception], message: str, answers: Answers
) -> None:
    """They are refused before anything is made."""
    answers.instance()
    if answer is None:
        answers.rds.add_client_error("describe_db_subnet_groups", "DBSubnetGroupNotFoundFault")
    else:
        answers.rds.add_response("describe_db_subnet_groups", answer)
    with pytest.raises(kind, match=message):
        groups.plan_group(PRIVATE)


def test_a_named_group_that_does_not_exist(answers: Answers) -> None:
    """A mistyped DB_SG_ID is not taken for a missing group of the runbook's own."""
    answers.instance()
    answers.groups()
    with pytest.raises(NotFound, match="no security group sg-0bbb in ca-central-1: correct DB_SG_ID"):
        groups.plan_group(replace(TARGET, security_group_id="sg-0bbb"))


def test_no_default_vpc(answers: Answers) -> None:
    """The remedy is the command that makes one."""
    answers.instance()
    answers.ec2.add_response("describe_vpcs", {"Vpcs": []})
    with pytest.raises(NotFound, match="aws ec2 create-default-vpc"):
        groups.describe(TARGET)


def test_access_before_anything_exists(answers: Answers) -> None:
    """The plan can be shown, and not applied."""
    for _ in range(2):
        answers.own_group()
        answers.instance()
    plan = network.plan_access(TARGET)
    assert [(Action.CREATE, "tcp 5432 from 8.8.8.8/32")] == [(change.action, change.after) for change in plan.changes]
    with pytest.raises(InstanceNotReady, match="known after 01_provision_rds"):
        plan.apply()


def test_access_in_the_runbooks_group(answers: Answers) -> None:
    """The rule goes there; the rules of the instance's other groups are looked at, too."""
    answers.groups(OWN)
    answers.instance("sg-0bbb", "sg-0aaa")
    answers.rules(["sg-0aaa", "sg-0bbb"])
    [call] = calls_of(network.plan_access(TARGET))
    assert "sg-0aaa" == call.parameters["GroupId"]


def test_access_to_an_instance_made_by_hand(answers: Answers) -> None:
    """Without the runbook's group the rule goes into one that the instance has; others may have it, too: so it asks."""
    answers.instance("sg-0bbb")
    answers.groups()
    answers.groups(OTHER)
    answers.rules(["sg-0bbb"])
    plan = network.plan_access(TARGET)
    [call] = calls_of(plan)
    assert "sg-0bbb" == call.parameters["GroupId"]
    assert plan.asks_always
    assert "WARNING: the group default (sg-0bbb) is not the runbook's" in str(plan)


def test_access_in_a_named_group_that_is_not_attached(answers: Answers) -> None:
    """DB_SG_ID is obeyed, and it is said that the rule admits nobody yet."""
    answers.groups(OTHER)
    answers.instance("sg-0aaa")
    answers.rules(["sg-0aaa", "sg-0bbb"])
    plan = network.plan_access(replace(TARGET, security_group_id="sg-0bbb"))
    assert "sg-0bbb" == calls_of(plan)[0].parameters["GroupId"]
    assert ("WARNING: default is not attached to the DB instance: run 01_provision_rds",) == plan.facts[1:]


def test_the_port_is_that_of_the_instance(answers: Answers) -> None:
    """Where nobody asked for it, the default would open another."""
    answers.instance("sg-0aaa", DbInstancePort=6543)
    answers.groups(OWN)
    answers.rules(["sg-0aaa"])
    assert "tcp 6543 from 8.8.8.8/32" == network.plan_access(TARGET).changes[0].after


STALE = {
    "SecurityGroupRuleId": "sgr-1",
    "GroupId": "sg-0aaa",
    "IsEgress": False,
    "IpProtocol": "tcp",
    "FromPort": 5432,
    "ToPort": 5432,
    "CidrIpv4": "8.8.8.8/32",
    "Tags": tags.as_list(tags.of(TARGET)),
}


def test_an_instance_without_a_public_address(answers: Answers) -> None:
    """No public address is admitted, older rules of the operator go, and it is said how to open a tunnel."""
    answers.instance("sg-0aaa", PubliclyAccessible=False)
    answers.groups(OWN)
    answers.rules(["sg-0aaa"], STALE)
    plan = network.plan_access(TARGET)
    assert [(Action.NONE, "none is needed: not publicly accessible"), (Action.DELETE, "")] == [
        (change.action, change.note if change.action is Action.NONE else "") for change in plan.changes
    ]
    host = "cruddur-db-instance.example.ca-central-1.rds.amazonaws.com"
    parameters = f'{{"host": ["{host}"], "portNumber": ["5432"], "localPortNumber": ["5432"]}}'
    command = "aws ssm start-session --region ca-central-1 --target INSTANCE"
    expected = f"{command} --document-name AWS-StartPortForwardingSessionToRemoteHost --parameters '{parameters}'"
    assert any(fact.endswith(expected) for fact in plan.facts)
    assert any("then set tunnel_port = 5432" in fact for fact in plan.facts)


def test_an_operator_within_the_private_network(answers: Answers) -> None:
    """An address as of a VPN, which the operator named, is admitted."""
    answers.instance("sg-0aaa", PubliclyAccessible=False)
    answers.groups(OWN)
    answers.rules(["sg-0aaa"])
    assert "tcp 5432 from 10.1.2.3/32" == network.plan_access(replace(TARGET, operator_address="10.1.2.3")).changes[0].after


@pytest.mark.parametrize(
    ("wanted", "entrance"),
    [
        ({}, ("", 5432)),
        ({"tunnel_port": 6000}, ("127.0.0.1", 6000)),
        ({"tunnel_address": "10.0.0.1"}, ("10.0.0.1", 5432)),
        ({"tunnel_address": "::1", "tunnel_port": 6000}, ("::1", 6000)),
    ],
)
def test_where_a_tunnel_begins(wanted: dict[str, Any], entrance: tuple[str, int]) -> None:
    """On this machine, unless another address is named; at the endpoint's port, unless another is."""
    assert entrance == tunnel.entrance(replace(TARGET, **wanted), 5432)


def test_outbound_rules_do_not_count(answers: Answers) -> None:
    """Every group lets everything out: that is no danger to the database."""
    answers.groups(OWN)
    answers.instance("sg-0aaa")
    outbound = {"SecurityGroupRuleId": "sgr-1", "GroupId": "sg-0aaa", "IsEgress": True, "IpProtocol": "-1"}
    answers.rules(["sg-0aaa"], outbound | {"FromPort": -1, "ToPort": -1, "CidrIpv4": "0.0.0.0/0"})
    assert ("8.8.8.8 is set by the target",) == network.plan_access(TARGET).facts


def test_an_address_of_ipv6_cannot_reach_an_instance_of_ipv4(answers: Answers) -> None:
    """No rule would help."""
    answers.groups(OWN)
    answers.instance("sg-0aaa", NetworkType="IPV4")
    with pytest.raises(WrongInput, match=r"reached by IPv4 alone, and 2600::7 is an IPv6 address: set LOCAL_IP"):
        network.plan_access(replace(TARGET, operator_address="2600::7"))


def test_a_named_rule_that_does_not_exist(answers: Answers) -> None:
    """A mistyped DB_SG_RULE_ID is no reason to make a new rule."""
    answers.groups(OWN)
    answers.instance("sg-0aaa")
    answers.rules(["sg-0aaa"])
    with pytest.raises(NotFound, match="no rule sgr-0ddd .* DB_SG_RULE_ID"):
        network.plan_access(replace(TARGET, security_group_rule_id="sgr-0ddd"))


@pytest.fixture
def silent_server() -> Iterator[int]:
    """The port of a server that accepts connections and never says anything."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_silent_server(silent_server: int) -> None:
    """The sandbox's way of dropping a connection."""
    assert "silent" == network.reachability("127.0.0.1", silent_server, 2)


def test_a_port_where_nobody_listens() -> None:
    """It is told at once."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert "refused" == network.reachability("127.0.0.1", port, 2)


def test_a_tunnel_leads_past_the_name() -> None:
    """The name need not resolve here."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        through = replace(TARGET, tunnel_port=server.getsockname()[1])
        assert "silent" == network.reachability("nowhere.invalid", 5432, 2, through)
    assert "refused" == network.reachability("nowhere.invalid", 5432, 2, through)


def test_a_name_that_does_not_resolve() -> None:
    """An endpoint that is gone has no address any more."""
    assert "unknown host" == network.reachability("nowhere.invalid", 5432, 2)
