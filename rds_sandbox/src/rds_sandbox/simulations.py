"""How the server makes happen what `simulate` asks for."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.rds.exceptions import DBInstanceNotFoundError, RDSClientError
from moto.rds.models import rds_backends

from rds_sandbox.errors import WrongInput
from rds_sandbox.host import Host
from rds_sandbox.postgres import replication
from rds_sandbox.rds import maintenance
from rds_sandbox.rds.backend import SandboxRDSBackend
from rds_sandbox.rds.instances import SandboxDBInstance
from rds_sandbox.realism import FACTOR, Realism
from rds_sandbox.simulate import checked


def perform(host: Host, name: str, values: Mapping[str, str]) -> None:
    """Make it happen."""
    checked(name, values)
    try:
        HOW[name](host, **values)
    except RDSClientError as error:
        raise WrongInput(f"{error.message.rstrip('.')}: `rds-sandbox status` shows what there is") from error


def _find(identifier: str) -> SandboxDBInstance:
    """The instance of this name, in whichever region."""
    for backend in rds_backends[DEFAULT_ACCOUNT_ID].values():
        if isinstance(backend, SandboxRDSBackend) and identifier in backend.databases:
            return backend.find(identifier)
    raise DBInstanceNotFoundError(identifier)


def _open_maintenance_window(_: Host, identifier: str) -> None:
    maintenance.open_window(_find(identifier))


def _announce_maintenance(_: Host, identifier: str, action: str) -> None:
    maintenance.announce(_find(identifier), action)


def _delay_replica(_: Host, identifier: str, seconds: str) -> None:
    replica = _find(identifier)
    if replica.source is None:
        raise WrongInput(f"{identifier} is no read replica: `rds-sandbox status` shows what there is")
    replication.delay(replica.machine.running_server(), _number(seconds))


def _delay_statuses(host: Host, seconds: str) -> None:
    host.delay = _number(seconds)


def _move_operator(host: Host, address: str) -> None:
    try:
        found = ip_address(address)
    except ValueError as error:
        raise WrongInput(f'"{address}" is no IP address: give one such as 198.51.100.7') from error
    nobody = (found.is_unspecified, found.is_loopback, found.is_multicast, found.is_link_local, found.is_reserved)
    if any(nobody) or "%" in address:
        raise WrongInput(f"no connection comes from {address}: give an address such as 198.51.100.7")
    host.callers.operator = str(found)


def _certify(_: Host, identifier: str, days: str) -> None:
    if not re.fullmatch(r"-?\d{1,5}", days):
        raise WrongInput(f'"{days}" is no number of days: give one such as 30, or -1')
    _find(identifier).machine.certify(datetime.now(UTC) + timedelta(days=int(days)))


def _mislead(_: Host, identifier: str, seconds: str) -> None:
    _find(identifier).machine.misled_until = time.monotonic() + _number(seconds)


def _answer_late(host: Host, seed: str, factor: str = str(FACTOR)) -> None:
    if not seed.isdecimal():
        raise WrongInput(f'"{seed}" is no seed: give a whole number such as 7')
    host.realism = Realism(int(seed), _number(factor))


def _answer_at_once(host: Host) -> None:
    host.realism = None


HOW: Mapping[str, Callable[..., None]] = {
    "maintenance": _open_maintenance_window,
    "announce": _announce_maintenance,
    "lag": _delay_replica,
    "delay": _delay_statuses,
    "address": _move_operator,
    "certificate": _certify,
    "stale": _mislead,
    "realistic": _answer_late,
    "ideal": _answer_at_once,
}


def _number(seconds: str) -> float:
    if not seconds.replace(".", "", 1).isdecimal():
        raise WrongInput(f'"{seconds}" is no number of seconds: give one such as 0.5')
    return float(seconds)
