"""RDS actions that moto does not route, or whose parameters it leaves out: each is a method of our backend."""

from __future__ import annotations

from collections.abc import Callable

from moto.core.parse import XFormedDict
from moto.core.responses import ActionResult
from moto.rds.responses import RDSResponse

from rds_sandbox.catalog import paged

MOST_RECORDS = 100  # API Reference, of each of the lists; a log file's list may be longer
# Action under moto's name: the member of the answer that holds the result ("" where it is the answer), and the method.
ACTIONS = {
    "apply_pending_maintenance_action": ("ResourcePendingMaintenanceActions", "apply_maintenance"),
    "delete_db_instance_automated_backup": ("DBInstanceAutomatedBackup", "delete_automated_backup"),
    "download_db_log_file_portion": ("", "download_log_file"),
}
LISTS = {
    "describe_db_instance_automated_backups": ("DBInstanceAutomatedBackups", "list_automated_backups"),
    "describe_db_log_files": ("DescribeDBLogFiles", "list_log_files"),
    "describe_db_snapshots": ("DBSnapshots", "list_snapshots"),
    "describe_events": ("Events", "list_events"),
    "describe_pending_maintenance_actions": ("PendingMaintenanceActions", "list_maintenance"),
}


def install() -> None:
    """Let moto's RDS answer these actions; moto finds an action by the method's name."""
    for name, (member, method) in {**ACTIONS, **LISTS}.items():
        setattr(RDSResponse, name, _handler(member, method, in_pages=name in LISTS))


def _handler(member: str, method: str, in_pages: bool) -> Callable[[RDSResponse], ActionResult]:
    def handle(response: RDSResponse) -> ActionResult:
        given = response.params  # a plain dict where the request has no parameters
        parameters = given.original_dict() if isinstance(given, XFormedDict) else given
        found = getattr(response.backend, method)(parameters)
        result = {member: found} if member else found
        return ActionResult(paged(result, parameters, MOST_RECORDS) if in_pages else result)

    return handle
