"""Small patches for what moto gets wrong, one function each, each with its contract test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.rds.responses import RDSResponse

# Actions that the sandbox means: what they answer is backed by a server, or is plain bookkeeping that
# moto does right. moto knows more, but only as metadata: those would look done without having been done.
RDS_ACTIONS = frozenset({
    "AddTagsToResource", "ApplyPendingMaintenanceAction", "CopyDBSnapshot", "CreateDBInstance",
    "CreateDBInstanceReadReplica", "CreateDBParameterGroup", "CreateDBSnapshot", "CreateDBSubnetGroup", "DeleteDBInstance",
    "DeleteDBInstanceAutomatedBackup", "DeleteDBParameterGroup", "DeleteDBSnapshot", "DeleteDBSubnetGroup",
    "DescribeCertificates", "DescribeDBEngineVersions", "DescribeDBInstanceAutomatedBackups", "DescribeDBInstances",
    "DescribeDBLogFiles", "DescribeDBMajorEngineVersions", "DescribeDBParameterGroups", "DescribeDBParameters",
    "DescribeDBSnapshots", "DescribeDBSubnetGroups", "DescribeEvents", "DescribeOrderableDBInstanceOptions",
    "DescribePendingMaintenanceActions", "DownloadDBLogFilePortion", "ListTagsForResource", "ModifyDBInstance",
    "ModifyDBParameterGroup", "ModifyDBSubnetGroup", "PromoteReadReplica", "RebootDBInstance", "RemoveTagsFromResource",
    "RestoreDBInstanceFromDBSnapshot", "RestoreDBInstanceToPointInTime", "StartDBInstance", "StopDBInstance",
})  # fmt: skip


def refuse_metadata_only_actions() -> None:
    """RDS actions that moto answers without anything behind them are "not in the sandbox"."""
    original: Callable[[Any], Any] = RDSResponse.call_action

    def call_action(self: Any) -> Any:
        if self._get_action() not in RDS_ACTIONS:
            raise NotImplementedError(self._get_action())
        return original(self)

    RDSResponse.call_action = call_action  # type: ignore[method-assign]  # that is what a patch does


def install() -> None:
    """Put every patch in place."""
    refuse_metadata_only_actions()
