"""What a server itself says: whether it answers, who it is, whom it lets in; with the sentences of a connection that fails."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cruddur_ops import aws, credentials
from cruddur_ops.database.certificates import root_certificate
from cruddur_ops.database.connection import connect
from cruddur_ops.database.errors import DatabaseUnreachable, LoginRefused
from cruddur_ops.database.location import locate
from cruddur_ops.database.statements import ask
from cruddur_ops.database.unreachable import SILENT
from cruddur_ops.diagnosis import certificate
from cruddur_ops.diagnosis.ladder import Rung, State, decided, failed, passed, refused
from cruddur_ops.errors import AccessDenied, OpsError
from cruddur_ops.network import groups
from cruddur_ops.rds.instances import Instance
from cruddur_ops.target import Target

TCP, READ_ONLY = "TCP", "read only"
LOGIN = ("pg_hba", "login", "connections", "database", "role")
NAMES = (TCP, certificate.NAME, *LOGIN, READ_ONLY)
SECONDS = 5  # to wait for an answer
HALF = 0.5
NOTHING_IN_THE_WAY = (
    "nothing on AWS's side is in the way: see whether this network lets you out to the port, and the instance's load"
    " with `cruddur-ops rds status`"
)


@dataclass(frozen=True)
class Place:
    """Where a server is: the address to connect to, and the name that it proves; which instance that is, where RDS is asked."""

    address: str
    port: int
    host: str
    instance: Instance | None = None
    root: str = ""


def rungs(target: Target, place: Place, answers: bool, mode: str) -> Iterator[Rung]:
    """What the server itself says: whether it answers, who it is, whom it lets in."""
    if answers:
        yield passed(TCP, f"the server answers on port {place.port}")
        seen = decided(certificate.NAME, lambda: _certificate(target, place, mode))
        yield seen
        if seen.state is State.FAILED:
            return
    yield from after_connecting(target, LOGIN if answers else ())


def _certificate(target: Target, place: Place, mode: str) -> Rung:
    root = root_certificate(target) if place.instance else Path(place.root)
    if mode not in certificate.REQUIRING or (mode.startswith("verify") and not root.is_file()):
        return passed(certificate.NAME, f"left to libpq (sslmode {mode})")
    seen = certificate.shake(place.address, place.port, place.host, mode, root)
    if place.instance is None:
        return certificate.tls(seen, mode, root)
    return certificate.tls(seen, mode, root, place.instance.certificate_valid_until, _authority(target, place.instance))


def _authority(target: Target, instance: Instance) -> str:
    """What signs its certificate, and until when: then, at the latest, another one is to be chosen."""
    name = instance.raw.get("CACertificateIdentifier", "")
    try:
        found = aws.find(target, "rds", "describe_certificates", "CertificateNotFound", CertificateIdentifier=name)
    except AccessDenied as error:
        return f"{name}, of which {error}"
    return f"{name}, until {found['Certificates'][0]['ValidTill']:%Y-%m-%d}" if found else name


def after_connecting(target: Target, before: Sequence[str]) -> Iterator[Rung]:
    """The rungs of a login, by how far it came: those before the one on which it ended passed."""
    try:
        with connect(target, connect_timeout=SECONDS) as connection:
            facts = ask(connection, "operations/diagnosis")[0]
    except DatabaseUnreachable as error:
        name, fact, remedy = error.rung
        yield from (passed(one, "came this far") for one in before[: before.index(name) if name in before else 0])
        fact += _secret(target) if isinstance(error, LoginRefused) and name == "login" else ""
        yield failed(name, fact, NOTHING_IN_THE_WAY if remedy == SILENT.rds else remedy)
    except OpsError as error:
        yield refused("login", error)
    else:
        yield from (passed(TCP, "the server answers") for one in before if one == TCP)
        yield from _inside(target, facts)


def _inside(target: Target, facts: Mapping[str, Any]) -> Iterator[Rung]:
    """The rungs of a login that came about."""
    yield passed("pg_hba", "admits the connection")
    found = locate(target)
    yield passed("login", f"user {found.user or facts['user']}; the password is {found.origin}")
    share = facts["connections"] / facts["most"]
    taken = "less than half" if share < HALF else f"{facts['connections']} of {facts['most']}"
    yield passed("connections", f"{taken} of the connections are taken")
    yield passed("database", f"{facts['database']} lets the user in")
    yield passed("role", facts["user"])
    yield _writable(target, facts)


def _writable(target: Target, facts: Mapping[str, Any]) -> Rung:
    source = "" if target.connection_url else groups.instance(target).get("ReadReplicaSourceDBInstanceIdentifier", "")
    if source:
        return passed(READ_ONLY, f"it only reads, as a replica of {source} does")
    if facts["recovery"]:
        return failed(
            READ_ONLY, "the server is in recovery, and only reads", "connect to the primary, or wait until it is restored"
        )
    if facts["read_only"]:
        fact = "default_transaction_read_only is on for this role, database or server"
        return failed(READ_ONLY, fact, "RESET it with ALTER ROLE or ALTER DATABASE, or in the parameter group")
    return passed(READ_ONLY, "it can be written to")


def _secret(target: Target) -> str:
    """How old the password is that was refused, and what RDS does with it."""
    found = locate(target)
    if not found.secret:
        return ""
    managed = groups.instance(target).get("MasterUserSecret", {})
    status = managed.get("SecretStatus", "") if managed.get("SecretArn") == found.secret else ""
    try:
        item = aws.find(target, "secretsmanager", "describe_secret", credentials.ABSENT_CODE, SecretId=found.secret) or {}
    except AccessDenied as error:
        return f"; of its secret {error}"
    changed = item.get("LastChangedDate") or item.get("CreatedDate")
    age = f" {(datetime.now(UTC) - changed).total_seconds() / 3600:.1f} hours ago" if changed else ", when is not known"
    return f"; its secret{f' ({status})' if status else ''} was last changed{age}"
