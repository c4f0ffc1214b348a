"""What a target is like, as text by name: facts that are compared with those of other targets, and figures that are not."""

from collections.abc import Callable
from contextlib import suppress

from cruddur_ops.database.connection import session
from cruddur_ops.database.statements import ask
from cruddur_ops.database.status import readable, status
from cruddur_ops.errors import OpsError
from cruddur_ops.rds import instances, settings, upgrade_paths
from cruddur_ops.target import Target

Facts = dict[str, dict[str, str]]
FIGURES = ("size", "sessions")


def gather(target: Target) -> Facts:
    """The facts and the figures; what cannot be asked is left out, since the run itself has said why."""
    found: dict[str, str] = {}
    of: list[Callable[[Target], dict[str, str]]] = [_database, _extensions, _grants]
    if not target.connection_url:
        of = [_instance, _support, *of]
    for ask_for in of:
        with suppress(OpsError):
            found |= ask_for(target)
    return {
        "facts": {name: value for name, value in found.items() if name not in FIGURES},
        "figures": {name: value for name, value in found.items() if name in FIGURES},
    }


def _instance(target: Target) -> dict[str, str]:
    found = instances.require(target)
    until = found.certificate_valid_until
    named = {f"setting: {name}": str(value) for name, value in settings.as_found(found).items() if value is not None}
    return {
        "engine version": found.engine_version,
        "status": found.status,
        "certificate until": f"{until:%Y-%m-%d}" if until else "unknown",
        "waiting for the window": ", ".join(sorted(found.pending)) or "nothing",
        **{name: value for name, value in named.items() if target.db_instance_identifier not in value},
    }


def _support(target: Target) -> dict[str, str]:
    found = instances.require(target)
    [support] = upgrade_paths.support(target, found.engine_version)
    return {"standard support until": str(support.standard or "unknown")}


def _database(target: Target) -> dict[str, str]:
    found = status(target)
    schema = (
        f"version {found.schema['version']}, {(found.schema['checksum'] or 'by migrations')[:12]}" if found.schema else "none"
    )
    return {
        "server version": found.version,
        "schema": schema,
        "sessions": f"{found.sessions} of {found.connection_limit}",
        "size": "unknown" if found.size is None else readable(found.size),
    }


def _extensions(target: Target) -> dict[str, str]:
    with session(target) as cursor:
        return {f"extension: {row['name']}": row["version"] for row in ask(cursor.connection, "operations/extensions")}


def _grants(target: Target) -> dict[str, str]:
    """What the roles of this project may do."""
    with session(target) as cursor:
        found = ask(cursor.connection, "roles/grants")
    return {f"grant: {row['resource']}": row["before"] or f"lacks {row['after']}" for row in found}
