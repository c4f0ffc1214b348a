"""Managed prefix lists, network ACLs and interfaces: what changes them, and what keeps them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.instance import refused
from tests.networks import make_endpoint, make_subnet, make_vpc, of
from tests.support import Client, make_group, tcp

pytestmark = pytest.mark.usefixtures("emptied")
UNKNOWN_LIST = "pl-0123456789abcdef0"


def test_prefix_lists_change(ec2: Client) -> None:
    """By entries, size or name, from the version that there is (EC2 API Reference, ModifyManagedPrefixList)."""
    one, two = {"Cidr": "203.0.113.0/24"}, {"Cidr": "198.51.100.0/24"}
    given: dict[str, Any] = {"PrefixListName": "office", "AddressFamily": "IPv4"}
    assert "PrefixListMaxEntriesExceeded" == refused(ec2.create_managed_prefix_list, **given, MaxEntries=1, Entries=[one, two])
    made = ec2.create_managed_prefix_list(**given, MaxEntries=1, Entries=[one])["PrefixList"]
    name = {"PrefixListId": made["PrefixListId"]}
    calls: list[tuple[dict[str, Any], str]] = [
        ({"AddEntries": [two], "CurrentVersion": 1}, "PrefixListMaxEntriesExceeded"),
        ({"AddEntries": [two], "CurrentVersion": 7}, "PrefixListVersionMismatch"),
        ({"AddEntries": [two], "MaxEntries": 2}, "InvalidParameterCombination"),
        ({"MaxEntries": 0}, "PrefixListMaxEntriesExceeded"),
    ]
    for changes, code in calls:
        assert code == refused(ec2.modify_managed_prefix_list, **name, **changes), changes
    ec2.modify_managed_prefix_list(**name, MaxEntries=2)
    found = ec2.modify_managed_prefix_list(**name, AddEntries=[two], CurrentVersion=1)["PrefixList"]
    assert ("office", 2, 2) == (found["PrefixListName"], found["Version"], found["MaxEntries"])
    ec2.modify_managed_prefix_list(**name, RemoveEntries=[one])
    [left] = ec2.get_managed_prefix_list_entries(**name)["Entries"]
    [first] = ec2.get_managed_prefix_list_entries(**name, TargetVersion=1)["Entries"]
    assert ("198.51.100.0/24", "203.0.113.0/24") == (left["Cidr"], first["Cidr"])
    assert "InvalidParameterValue" == refused(ec2.get_managed_prefix_list_entries, **name, TargetVersion=9)


def test_prefix_lists_that_are_referred_to_stay(ec2: Client) -> None:
    """Their state tells that the deletion failed (EC2 API Reference, DeleteManagedPrefixList); AWS's own stay, too."""
    given: dict[str, Any] = {"PrefixListName": "used", "AddressFamily": "IPv4", "MaxEntries": 1}
    name = {"PrefixListId": ec2.create_managed_prefix_list(**given)["PrefixList"]["PrefixListId"]}
    rule = tcp(5432, PrefixListIds=[name])
    group = make_group(ec2, "refers", rule)
    assert "delete-failed" == ec2.delete_managed_prefix_list(**name)["PrefixList"]["State"]
    ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[rule])
    assert "delete-complete" == ec2.delete_managed_prefix_list(**name)["PrefixList"]["State"]
    actions = (ec2.delete_managed_prefix_list, ec2.modify_managed_prefix_list, ec2.get_managed_prefix_list_entries)
    for call in actions:
        for each in (name["PrefixListId"], UNKNOWN_LIST):
            assert "InvalidPrefixListID.NotFound" == refused(call, PrefixListId=each)
    assert "InvalidPrefixListID.NotFound" == refused(ec2.describe_managed_prefix_lists, PrefixListIds=[UNKNOWN_LIST])
    lists = ec2.describe_managed_prefix_lists(Filters=[{"Name": "owner-id", "Values": ["AWS"]}])["PrefixLists"]
    assert "UnsupportedOperation" == refused(ec2.delete_managed_prefix_list, PrefixListId=lists[0]["PrefixListId"])


def test_network_acls(ec2: Client) -> None:
    """Each denies the rest; the default one stays (EC2 API Reference, DeleteNetworkAcl, DeleteNetworkAclEntry)."""
    vpc = make_vpc(ec2, "10.50.0.0/16")
    [default] = ec2.describe_network_acls(**of(vpc))["NetworkAcls"]
    assert "InvalidParameterValue" == refused(ec2.delete_network_acl, NetworkAclId=default["NetworkAclId"])
    made = ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]
    assert [(32767, "deny", False), (32767, "deny", True)] == sorted(
        (each["RuleNumber"], each["RuleAction"], each["Egress"]) for each in made["Entries"]
    )
    unknown, name = "acl-0123456789abcdef0", {"NetworkAclId": made["NetworkAclId"]}
    assert "InvalidNetworkAclID.NotFound" == refused(ec2.delete_network_acl, NetworkAclId=unknown)
    assert "InvalidNetworkAclID.NotFound" == refused(ec2.describe_network_acls, NetworkAclIds=[unknown])
    rule: dict[str, Any] = {**name, "RuleNumber": 90, "Egress": False}
    said: dict[str, Any] = {"Protocol": "-1", "RuleAction": "allow", "CidrBlock": "0.0.0.0/0"}
    for code, number in (("InvalidNetworkAclEntry.NotFound", 90), ("InvalidParameterValue", 32767)):
        assert code == refused(ec2.delete_network_acl_entry, **{**rule, "RuleNumber": number})
        assert code == refused(ec2.replace_network_acl_entry, **{**rule, "RuleNumber": number}, **said)
    assert "InvalidParameterValue" == refused(ec2.create_network_acl_entry, **rule, **{**said, "CidrBlock": "somewhere"})
    for call in (ec2.create_network_acl_entry, ec2.replace_network_acl_entry):
        call(**rule, **said)
    ec2.delete_network_acl_entry(**rule)
    subnet = make_subnet(ec2, vpc, "10.50.1.0/24")
    [association] = ec2.describe_network_acls(NetworkAclIds=[default["NetworkAclId"]])["NetworkAcls"][0]["Associations"]
    there = {"AssociationId": association["NetworkAclAssociationId"]}
    assert subnet == association["SubnetId"]
    assert "InvalidAssociationID.NotFound" == refused(ec2.replace_network_acl_association, **name, AssociationId="aclassoc-1")
    assert "InvalidNetworkAclID.NotFound" == refused(ec2.replace_network_acl_association, **there, NetworkAclId=unknown)
    ec2.replace_network_acl_association(**there, **name)


def test_network_interfaces_in_use_stay(ec2: Client) -> None:
    """Those of endpoints and NAT gateways; a new one is in groups that there are (EC2 API Reference, DeleteNetworkInterface)."""
    vpc = make_vpc(ec2, "10.51.0.0/16")
    subnet = make_subnet(ec2, vpc, "10.51.1.0/24")
    group = "sg-0123456789abcdef0"
    assert "InvalidGroup.NotFound" == refused(ec2.create_network_interface, SubnetId=subnet, Groups=[group])
    assert "InvalidGroup.NotFound" == refused(ec2.describe_security_groups, GroupIds=[group])
    endpoint = make_endpoint(ec2, vpc, "kms", VpcEndpointType="Interface", PrivateDnsEnabled=False, SubnetIds=[subnet])
    nat = ec2.create_nat_gateway(SubnetId=subnet, ConnectivityType="private")["NatGateway"]
    used = [*endpoint["NetworkInterfaceIds"], nat["NatGatewayAddresses"][0]["NetworkInterfaceId"]]
    for each in used:
        assert "InvalidParameterValue" == refused(ec2.delete_network_interface, NetworkInterfaceId=each)
    made = ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
    ec2.delete_network_interface(NetworkInterfaceId=made)
