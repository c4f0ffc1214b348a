"""Managed prefix lists, network ACLs and interfaces: what changes them, and what keeps them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.instance import refused
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
