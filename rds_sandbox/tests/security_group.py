"""A security group under test: what the contract tests of its rules do over and over, with plain boto3."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from tests.support import Client

Rule = dict[str, Any]
Sources = Mapping[str, tuple[str, str]]  # two values of each type of source

UNKNOWN_GROUP = "sg-0123456789abcdef0"
UNKNOWN_RULE = "sgr-0123456789abcdef0"
UNKNOWN_PREFIX_LIST = "pl-0123456789abcdef0"
SOURCES = {  # in a SecurityGroupRuleRequest: the list of an IpPermission, and the key there
    "CidrIpv4": ("IpRanges", "CidrIp"),
    "CidrIpv6": ("Ipv6Ranges", "CidrIpv6"),
    "PrefixListId": ("PrefixListIds", "PrefixListId"),
    "ReferencedGroupId": ("UserIdGroupPairs", "GroupId"),
}
BAD_CIDRS = [
    *(("CidrIpv4", cidr) for cidr in ("300.1.1.1/32", "10.0.0.0/33", "10.0.0.1", "10.0.0.0/255.0.0.0", "::/0", "here")),
    *(("CidrIpv6", cidr) for cidr in ("2001:db8::/129", "2001:db8::1", "2001:db8::g/64", "fe80::1%eth0/64", "10.0.0.0/8")),
]


def refusal(call: Callable[..., object], *arguments: object, **parameters: object) -> str:
    """The error code that EC2 answers."""
    with pytest.raises(ClientError) as error:
        call(*arguments, **parameters)
    return str(error.value.response["Error"]["Code"])


def permission(port: int = 5432, protocol: str = "tcp", /, **sources: list[dict[str, str]]) -> dict[str, Any]:
    """An IpPermission of one port."""
    return {"IpProtocol": protocol, "FromPort": port, "ToPort": port, **sources}


def cidrs(*texts: str) -> list[dict[str, str]]:
    """IpRanges of these CIDR blocks."""
    return [{"CidrIp": text} for text in texts]


def request(source: str, value: str, port: int = 5432, **more: object) -> dict[str, Any]:
    """A SecurityGroupRuleRequest."""
    return {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, source: value, **more}


def source_of(rule: Rule) -> dict[str, str]:
    """The source of a described rule, under its name in a SecurityGroupRuleRequest."""
    found = {source: rule[source] for source in SOURCES if source in rule}
    if "ReferencedGroupInfo" in rule:
        found["ReferencedGroupId"] = rule["ReferencedGroupInfo"]["GroupId"]
    return found


def tagged(**tags: str) -> list[dict[str, Any]]:
    """TagSpecifications for rules."""
    pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
    return [{"ResourceType": "security-group-rule", "Tags": pairs}]


def create_vpc(ec2: Client, cidr: str = "10.42.0.0/16") -> str:
    """A VPC of the test's own."""
    return str(ec2.create_vpc(CidrBlock=cidr)["Vpc"]["VpcId"])


def default_vpc(ec2: Client) -> str:
    """The default VPC of the region."""
    [found] = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    return str(found["VpcId"])


def create_prefix_list(ec2: Client) -> str:
    """A prefix list of one entry."""
    name, entries = f"test-{uuid4()}", [{"Cidr": "198.51.100.0/24"}]
    made = ec2.create_managed_prefix_list(PrefixListName=name, Entries=entries, MaxEntries=1, AddressFamily="IPv4")
    return str(made["PrefixList"]["PrefixListId"])


@dataclass(frozen=True)
class Group:
    """A new security group, and its ingress rules."""

    ec2: Client
    vpc: str
    id: str

    @classmethod
    def create(cls, ec2: Client, vpc: str) -> Group:
        """One without ingress rules."""
        made = ec2.create_security_group(GroupName=f"test-{uuid4()}", Description="for a test", VpcId=vpc)
        return cls(ec2, vpc, str(made["GroupId"]))

    def sources(self) -> Sources:
        """Values for rules of this group."""
        lists = create_prefix_list(self.ec2), create_prefix_list(self.ec2)
        groups = Group.create(self.ec2, self.vpc).id, Group.create(self.ec2, self.vpc).id
        return {
            "CidrIpv4": ("203.0.113.7/32", "198.51.100.0/24"),
            "CidrIpv6": ("2001:db8::7/128", "2001:db8:1::/48"),
            "PrefixListId": lists,
            "ReferencedGroupId": groups,
        }

    def authorize(self, *permissions: dict[str, Any], **more: object) -> list[Rule]:
        """Add rules and answer them."""
        added = self.ec2.authorize_security_group_ingress(GroupId=self.id, IpPermissions=permissions, **more)
        return list(added["SecurityGroupRules"])

    def add(self, source: str, value: str, port: int = 5432, **more: str) -> str:
        """Add one rule and answer its id."""
        listed_in, key = SOURCES[source]
        [rule] = self.authorize(permission(port, **{listed_in: [{key: value, **more}]}))
        return str(rule["SecurityGroupRuleId"])

    def modify(self, requests: Mapping[str, dict[str, Any]]) -> None:
        """Modify rules: requests by rule id."""
        updates = [{"SecurityGroupRuleId": key, "SecurityGroupRule": value} for key, value in requests.items()]
        self.ec2.modify_security_group_rules(GroupId=self.id, SecurityGroupRules=updates)

    def rules(self, *, egress: bool = False) -> list[Rule]:
        """The rules of one direction, as DescribeSecurityGroupRules has them."""
        filters = [{"Name": "group-id", "Values": [self.id]}]
        found = self.ec2.describe_security_group_rules(Filters=filters)["SecurityGroupRules"]
        return [rule for rule in found if rule["IsEgress"] == egress]

    def described(self) -> dict[str, Any]:
        """The group, as DescribeSecurityGroups has it."""
        [found] = self.ec2.describe_security_groups(GroupIds=[self.id])["SecurityGroups"]
        return dict(found)

    def descriptions(self) -> Iterator[str | None]:
        """Those of the sources in DescribeSecurityGroups."""
        for found in self.described()["IpPermissions"]:
            for listed_in, _ in SOURCES.values():
                yield from (source.get("Description") for source in found[listed_in])
