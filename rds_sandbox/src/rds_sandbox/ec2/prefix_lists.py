"""Managed prefix lists: their versions, their size, and that they go when nothing refers to them.

Source: Amazon EC2 API Reference, CreateManagedPrefixList, ModifyManagedPrefixList, DeleteManagedPrefixList,
GetManagedPrefixListEntries, ManagedPrefixList (State); the codes are as users of Terraform and of AWS's SDKs report them.
"""

from collections.abc import Iterable
from typing import Any

from moto.ec2.exceptions import EC2ClientError, InvalidParameterCombination, InvalidParameterValue
from moto.ec2.models.managed_prefixes import ManagedPrefixListBackend

from rds_sandbox.ec2.pages import paged
from rds_sandbox.ec2.security_groups import all_rules
from rds_sandbox.ec2.sources import find_prefix_list, no_prefix_list
from rds_sandbox.patches import MOTO, Request, action, replaces

_describe = ManagedPrefixListBackend.describe_managed_prefix_lists


@replaces(ManagedPrefixListBackend, "describe_managed_prefix_lists")
def describe(ec2: Any, prefix_list_ids: Iterable[str] | None = None, filters: Any = None) -> list[Any]:
    for each in prefix_list_ids or ():
        if each not in ec2.managed_prefix_lists:
            raise no_prefix_list(each)
    return _describe(ec2, list(prefix_list_ids or ()), filters)


@action("ec2", "GetManagedPrefixListEntries")
def entries(request: Request) -> dict[str, Any]:
    """Of the newest version, or another; AWS's own lists show no version and have one."""
    found = find_prefix_list(request.backend, request.parameters["PrefixListId"])
    newest = found.version or 1
    wanted = request.parameters.get("TargetVersion", newest)
    if not 1 <= wanted <= newest:
        raise InvalidParameterValue("The specified value for version is not valid.")
    return paged("Entries", found.entries.get(wanted, []), request.parameters)


@action("ec2", "CreateManagedPrefixList")
def create(request: Request) -> object:
    _check_size(request.parameters.get("Entries") or (), request.parameters["MaxEntries"])
    return MOTO


@action("ec2", "ModifyManagedPrefixList")
def modify(request: Request) -> dict[str, Any]:
    """Entries, which make a new version, or the size; and the name."""
    asked, found = request.parameters, _own(request)
    if asked.get("CurrentVersion", found.version) != found.version:
        raise EC2ClientError("PrefixListVersionMismatch", "The prefix list has the incorrect version number.")
    added = {each["Cidr"]: each for each in asked.get("AddEntries") or ()}
    changed = {*added, *(each["Cidr"] for each in asked.get("RemoveEntries") or ())}
    if changed and "MaxEntries" in asked:
        both = "You cannot modify the entries and the maximum entries for the prefix list in the same request."
        raise InvalidParameterCombination(both)
    left = [each for each in found.entries.get(found.version, []) if each["Cidr"] not in changed]
    _check_size([*left, *added.values()], int(asked.get("MaxEntries", found.max_entries)))
    if changed:
        found.entries = {**found.entries, found.version + 1: [*left, *added.values()]}
        found.version += 1
    found.prefix_list_name = asked.get("PrefixListName") or found.prefix_list_name
    found.max_entries, found.state = asked.get("MaxEntries", found.max_entries), "modify-complete"
    return {"PrefixList": found}


@action("ec2", "DeleteManagedPrefixList")
def delete(request: Request) -> dict[str, Any]:
    """It fails, which its state tells, while a rule or a route refers to it."""
    found, ec2 = _own(request), request.backend
    rules = [each.group_id for each in all_rules(ec2) if each.prefix_list_id == found.id]
    tables = [table.id for table in ec2.route_tables.values() for each in table.routes if each.destination_prefix_list is found]
    found.state = "delete-failed" if rules or tables else "delete-complete"
    found.state_message = f"referenced by {', '.join((*rules, *tables))}" if rules or tables else None
    return {"PrefixList": found}


def _own(request: Request) -> Any:
    found = find_prefix_list(request.backend, request.parameters["PrefixListId"])
    if found.owner_id == "AWS":
        raise EC2ClientError("UnsupportedOperation", f"The prefix list {found.id} is managed by AWS and cannot be changed.")
    return found


def _check_size(listed: Iterable[Any], most: int) -> None:
    if len(list(listed)) > most:
        raise EC2ClientError("PrefixListMaxEntriesExceeded", f"The prefix list can have at most {most} entries.")
