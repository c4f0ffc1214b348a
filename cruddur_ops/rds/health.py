"""How the DB instance is: everything that an engineer on call looks up one by one, in one table."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cruddur_ops import aws
from cruddur_ops.rds import cloudwatch, instances, logs, prices
from cruddur_ops.rds.instances import Instance
from cruddur_ops.rds.prices import MonthlyCost
from cruddur_ops.target import Target

NEAR_DAYS = 30
GIB = 2**30
MINUTES = 10  # CloudWatch has a value a minute, some minutes late


@dataclass(frozen=True)
class Health:
    """What RDS, CloudWatch and the server's log say about an instance; None where CloudWatch has no value."""

    instance: Instance
    maintenance: Sequence[str]  # pending actions, as `pending_maintenance` tells them
    connections: float | None  # in the last minutes
    free_bytes: float | None  # of storage
    lag_seconds: float | None  # of a replica; None for any other instance
    events: Sequence[str]  # of the last day, the newest last
    log: Sequence[str]  # the last lines, masked
    cost: MonthlyCost  # while it runs

    def rows(self, now: datetime | None = None) -> Iterator[tuple[str, str]]:
        """Each line of the table: what, and how it is; loud where something wants attention."""
        found, now = self.instance, now or datetime.now(UTC)
        yield "status", found.status + (" (the server does not answer)" if not found.ready else "")
        yield "engine", f"PostgreSQL {found.engine_version} on {found.db_instance_class}"
        yield "endpoint", f"{found.host}:{found.endpoint_port}" if found.host else "none yet"
        yield "replication", _replication(found, self.lag_seconds)
        yield "connections", "unknown" if self.connections is None else f"{self.connections:.0f}"
        yield "storage", _storage(found, self.free_bytes)
        yield "backups", _backups(found)
        yield "certificate", _certificate(found, now)
        yield "waiting for the window", ", ".join(sorted(found.pending)) or "nothing"
        yield "maintenance", "; ".join(self.maintenance) or "nothing pending"
        yield "maintenance window", found.maintenance_window or "unknown"
        yield "starts by itself", f"{found.restart_time:%Y-%m-%d %H:%M} UTC" if found.restart_time else "it is not stopped"
        yield "cost while it runs", str(self.cost)
        yield from (("event", line) for line in self.events)
        yield from (("log", line) for line in self.log)

    def __str__(self) -> str:
        rows = list(self.rows())
        width = max(len(name) for name, _ in rows)
        return "\n".join(f"{name:{width}}  {value}" for name, value in rows)

    __repr__ = __str__  # it reads well at the end of a cell


def look(target: Target, lines: int = 5) -> Health:
    """Look at the target's DB instance, in whatever status it is.

    Args:
        lines: of the log, and of the events; 0 for none.
    """
    found = instances.require(target)
    values = metrics(target, "DatabaseConnections", "FreeStorageSpace", *(["ReplicaLag"] if found.source else []))
    return Health(
        instance=found,
        maintenance=pending_maintenance(target, found),
        connections=values["DatabaseConnections"],
        free_bytes=values["FreeStorageSpace"],
        lag_seconds=values.get("ReplicaLag"),
        events=logs.events(target)[-lines:] if lines else [],
        log=logs.tail(target, lines) if lines and found.ready else [],
        cost=prices.monthly_cost(target),
    )


def counted(target: Target) -> Sequence[str]:
    """One entry for each client that CloudWatch has counted last: who they are, only the database knows."""
    return ["by CloudWatch's last count, which has the function's idle connection, too"] * math.ceil(
        metrics(target, "DatabaseConnections")["DatabaseConnections"] or 0
    )


def metrics(target: Target, *names: str) -> dict[str, float | None]:
    """The last values that CloudWatch has of these metrics of the instance (RDS User Guide, "CloudWatch metrics")."""
    items = _measured(target, datetime.now(UTC) - timedelta(minutes=MINUTES), *names)
    found = {item["Id"]: item["Values"][0] for item in items if item["Values"]}
    return {name: found.get(name.lower()) for name in names}


def lowest(target: Target, name: str, since: datetime) -> float | None:
    """The lowest value of a metric since then; None where CloudWatch has none."""
    return min((value for item in _measured(target, since, name) for value in item["Values"]), default=None)


def _measured(target: Target, since: datetime, *names: str) -> list[dict[str, Any]]:
    queries = [cloudwatch.query(name.lower(), cloudwatch.metric(target.db_instance_identifier, name)) for name in names]
    return cloudwatch.measured(target, since, queries)


def pending_maintenance(target: Target, found: Instance) -> list[str]:
    """What RDS wants to do with the instance, and from when on it does it unasked."""
    items = aws.pages(target, "rds", "describe_pending_maintenance_actions", ResourceIdentifier=found.arn)
    return [_action(action) for item in items for action in item["PendingMaintenanceActionDetails"]]


def _action(action: dict[str, Any]) -> str:
    forced = action.get("ForcedApplyDate") or action.get("AutoAppliedAfterDate") or action.get("CurrentApplyDate")
    when = f"by itself from {forced:%Y-%m-%d} on" if forced else "when you ask for it"
    return f"{action['Action']} ({action.get('Description', 'no description')}), {when}"


def _replication(found: Instance, lag: float | None) -> str:
    if found.source:
        return f"replica of {found.source}, " + ("lag unknown" if lag is None else f"{lag:.0f} s behind")
    return f"source of {', '.join(found.replicas)}" if found.replicas else "none"


def _storage(found: Instance, free_bytes: float | None) -> str:
    limit = f"grows to {found.max_allocated_storage}" if found.max_allocated_storage else "does not grow by itself"
    whole = f"of {found.allocated_storage} GiB {found.storage_type} ({limit})"
    if free_bytes is None:
        return f"unknown {whole}"
    loud = "WARNING: " if free_bytes < found.allocated_storage * GIB / 10 else ""
    return f"{loud}{free_bytes / GIB:.1f} GiB free {whole}"


def _backups(found: Instance) -> str:
    if not found.backup_retention_period:
        return "WARNING: none"
    until = f"{found.restorable_until:%Y-%m-%d %H:%M:%S} UTC" if found.restorable_until else "nothing yet"
    return f"kept for {found.backup_retention_period} days, restorable until {until}"


def _certificate(found: Instance, now: datetime) -> str:
    if found.certificate_valid_until is None:
        return "RDS names no date"
    days = (found.certificate_valid_until - now).days
    text = f"valid until {found.certificate_valid_until:%Y-%m-%d}"
    return f"WARNING: {text}, in {days} days: see its maintenance" if days < NEAR_DAYS else text
