"""What a drill calls for, and AWS does in its own time: the maintenance window, an announcement, a replica that lags."""

from __future__ import annotations

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.rds.exceptions import DBInstanceNotFoundError, InvalidParameterValue
from moto.rds.models import rds_backends

from rds_sandbox import replication
from rds_sandbox.instances import SandboxDBInstance
from rds_sandbox.rds_backend import SandboxRDSBackend


def find(identifier: str) -> SandboxDBInstance:
    """The instance of this name, in whichever region.

    Raises:
        RDSClientError: `DBInstanceNotFound`.
    """
    for backend in rds_backends[DEFAULT_ACCOUNT_ID].values():
        if isinstance(backend, SandboxRDSBackend) and identifier in backend.databases:
            return backend.find(identifier)
    raise DBInstanceNotFoundError(identifier)


def open_maintenance_window(identifier: str) -> None:
    """Do all that waits for the window of an instance."""
    find(identifier).backend.open_maintenance_window(identifier)


def announce_maintenance(identifier: str, action: str) -> None:
    """Let an instance have a pending maintenance action."""
    find(identifier).backend.announce_maintenance(identifier, action)


def set_pace(seconds: str) -> None:
    """Let each status last that many seconds at least.

    Raises:
        RDSClientError: that is no number of seconds.
    """
    SandboxRDSBackend.host.pace.seconds = _number(seconds)


def delay_replica(identifier: str, seconds: str) -> None:
    """Let a read replica apply each commit that many seconds late.

    Raises:
        RDSClientError: the instance is no read replica, or that is no number of seconds.
    """
    replica = find(identifier)
    if replica.source is None:
        raise InvalidParameterValue(f"{identifier} is no read replica.")
    replication.delay(replica.machine.running_server(), _number(seconds))


def _number(seconds: str) -> float:
    if not seconds.replace(".", "", 1).isdecimal():
        raise InvalidParameterValue(f"{seconds} is no number of seconds.")
    return float(seconds)
