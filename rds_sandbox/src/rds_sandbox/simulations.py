"""How the server makes happen what `simulate` asks for."""

import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.rds.exceptions import DBInstanceNotFoundError, RDSClientError
from moto.rds.models import rds_backends

from rds_sandbox.errors import WrongInput
from rds_sandbox.host import Host
from rds_sandbox.postgres import replication
from rds_sandbox.rds import maintenance
from rds_sandbox.rds.backend import SandboxRDSBackend
from rds_sandbox.rds.instances import SandboxDBInstance
from rds_sandbox.realism import Realism
from rds_sandbox.simulate import checked


def perform(host: Host, name: str, values: Mapping[str, str]) -> None:
    """Make it happen."""
    checked(name, values)
    try:
        given = {key: KINDS[key](value) for key, value in values.items() if key != "identifier"}
        _perform(host, name, _instance(values["identifier"]) if "identifier" in values else None, **given)
    except RDSClientError as error:
        raise WrongInput(f"{error.message.rstrip('.')}: `rds-sandbox status` shows what there is") from error


def _perform(host: Host, name: str, instance: Any, **given: Any) -> None:
    match name:
        case "maintenance":
            maintenance.open_window(instance)
        case "announce":
            maintenance.announce(instance, given["action"])
        case "lag":
            if instance.source is None:
                problem = f"{instance.db_instance_identifier} is no read replica"
                raise WrongInput(f"{problem}: `rds-sandbox status` shows what there is")
            replication.delay(instance.machine.running_server(), given["seconds"])
        case "delay":
            host.delay = given["seconds"]
        case "address":
            host.callers.operator = given["address"]
        case "certificate":
            instance.machine.certify(datetime.now(UTC) + timedelta(days=given["days"]))
        case "stale":
            instance.machine.misled_until = time.monotonic() + given["seconds"]
        case "realistic":
            host.realism = Realism(**given)
        case "ideal":
            host.realism = None


def _instance(identifier: str) -> SandboxDBInstance:
    """The instance of this name, in whichever region."""
    for backend in rds_backends[DEFAULT_ACCOUNT_ID].values():
        if isinstance(backend, SandboxRDSBackend) and identifier in backend.databases:
            return backend.find(identifier)
    raise DBInstanceNotFoundError(identifier)


def _address(text: str) -> str:
    try:
        found = ip_address(text)
    except ValueError as error:
        raise WrongInput(f'"{text}" is no IP address: give one such as 198.51.100.7') from error
    nobody = (found.is_unspecified, found.is_loopback, found.is_multicast, found.is_link_local, found.is_reserved)
    if any(nobody) or "%" in text:
        raise WrongInput(f"no connection comes from {text}: give an address such as 198.51.100.7")
    return str(found)


def _number(kind: Callable[[str], Any], pattern: str, what: str) -> Callable[[str], Any]:
    """What reads a number of this form, or says which it should be."""

    def read(text: str) -> Any:
        if not re.fullmatch(pattern, text):
            raise WrongInput(f'"{text}" is no {what}')
        return kind(text)

    return read


_seconds = _number(float, r"\d+\.?\d*|\.\d+", "number of seconds: give one such as 0.5")
KINDS: Mapping[str, Callable[[str], Any]] = {
    "action": str,
    "address": _address,
    "days": _number(int, r"-?\d{1,5}", "number of days: give one such as 30, or -1"),
    "factor": _number(float, r"\d+(\.\d+)?", "factor: give one such as 0.05"),
    "seconds": _seconds,
    "seed": _number(int, r"\d+", "seed: give a whole number such as 7"),
}
