"""A section of targets.toml for a DB instance that exists: what identifies it as keys, whatever else it has as comments.

So nothing becomes a wish by being read. WrongInput is raised for a name that is taken or cannot be one, an instance of another
engine, and a file that cannot be written; InstanceNotReady where there is no such instance.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from cruddur_ops import aws, targets
from cruddur_ops.errors import WrongInput
from cruddur_ops.rds import instances, offers, settings
from cruddur_ops.rds.instances import Instance
from cruddur_ops.target import SETTINGS, Target
from cruddur_ops.targets import targets_file

NAME = re.compile(r"[A-Za-z0-9_-]{1,63}")
PLACE = ("sandbox", "account_id", "region", "profile")
IDENTITY = ("db_instance_identifier", "db_name", "master_username", "port")
SECRET = 'its master password is not RDS\'s: name the secret that has it, JSON with "username" and "password"'
TUNNEL = "it is not publicly accessible: 02_open_security_group says how to open a tunnel"


def adopt(identifier: str, name: str, **place: Any) -> str:
    """Write the section; what was written, and where.

    Args:
        place: where the instance is: `sandbox`, `region` and `profile` of the section; None and "" mean not given.
    """
    if not NAME.fullmatch(name):
        raise WrongInput(f'a target cannot be called "{name}": use letters, digits, hyphens and underscores')
    if name in targets.read_targets():
        raise WrongInput(f"[{name}] is in {targets_file()} already: choose another name with --target, or edit it there")
    given = {key: value for key, value in place.items() if value}
    typed: dict[str, Any] = {"db_instance_identifier": identifier, **{key: given.get(key) for key in ("region", "profile")}}
    looked_at = {"protected": False, "sandbox": given.get("sandbox", False)}  # of a protected one the file alone says where it is
    target = targets.from_section(name, looked_at, **typed)
    found = instances.require(target)
    if found.engine != offers.ENGINE:
        raise WrongInput(f"{identifier} is a {found.engine} instance: adopt one of PostgreSQL")
    text = "\n".join(section(target, found, given | {"account_id": aws.caller_identity(target)["Account"]})) + "\n"
    _append(text)
    return f"wrote to {targets_file()}:\n{text}"


def section(target: Target, found: Instance, place: dict[str, Any]) -> Iterator[str]:
    """Its lines.

    Args:
        place: the settings that say where it is, and were given.
    """
    there = {name: value for name, value in settings.as_found(found).items() if value is not None}
    known = {"region": target.region, **place, **there, "db_instance_identifier": found.identifier}
    keys = [name for name in (*PLACE, *IDENTITY) if name in known and name in SETTINGS]
    yield from (
        "",
        f"[{target.name}]  # of the DB instance {found.resource_id}, as it was found; remove a # to ask for that setting",
    )
    yield from (_line(name, known[name]) for name in keys)
    yield from (f"# {_line(name, value)}" for name, value in there.items() if name not in keys)
    for one, *others in [found.security_group_ids] if found.security_group_ids else []:
        yield f"# {_line('security_group_id', one)}" + (f"  # it has {', '.join(others)}, too" if others else "")
    if not found.secret_arn:
        yield f'# master_user_secret = ""  # {SECRET}'
    if not found.publicly_accessible:
        yield f"# tunnel_port = {found.port}  # {TUNNEL}"


def _line(name: str, value: Any) -> str:
    """A key and its value; text, numbers and booleans are written as in JSON."""
    return f"{name} = {json.dumps(value, ensure_ascii=False)}"


def _append(text: str) -> None:
    try:
        with targets_file().open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise WrongInput(
            f"{targets_file()} cannot be written ({error.strerror}): name another file in CRUDDUR_TARGETS"
        ) from error
