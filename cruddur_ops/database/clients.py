"""Other people's programs on the target's database: run here, or by the variables or the URL that they read.

The password is in a file that only this user can read (PostgreSQL 18, chapter 32.16 "The Password File"), and nowhere else,
unless it is asked for. They raise WrongInput where a secret fits in no such file, or is asked for where output is kept, and
NotFound where there is no such program.
"""

import os
import re
import shlex
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote

from psycopg.conninfo import make_conninfo
from psycopg.pq import Conninfo

from cruddur_ops import ledger
from cruddur_ops.database import programs
from cruddur_ops.database.connection import CONNECT_TIMEOUT, connect
from cruddur_ops.database.location import Location, locate
from cruddur_ops.errors import WrongInput
from cruddur_ops.state import state_folder
from cruddur_ops.target import Target

OPTIONS = Conninfo.get_defaults()
VARIABLES = {option.keyword.decode(): option.envvar.decode() for option in OPTIONS if option.envvar}
UNSEEN = {option.keyword.decode() for option in OPTIONS if option.dispchar and not option.envvar}  # such as sslpassword
FIRST = ("PGHOST", "PGPORT", "PGDATABASE", "PGUSER", "PGPASSFILE", "PGSSLMODE", "PGSSLROOTCERT")
# What a shell may hold that libpq prefers to the variables above (PostgreSQL 18, chapter 32.15 and 32.17).
IN_THE_WAY = ("PGPASSWORD", "PGSERVICE", "PGSERVICEFILE")
KEPT_OUTPUT = (ledger.VARIABLE, "JPY_PARENT_PID")  # a run's evidence keeps what is printed, and so does a notebook


def exports(target: Target) -> str:
    """The lines that let any program that uses libpq work on the target: `eval "$(cruddur-ops db env)"`.

    On RDS the password is that of this moment.
    """
    location = locate(target)
    named = variables(location, keep_password(location, target.name))
    lines = [f"unset {' '.join(IN_THE_WAY)}"] if location.password else []
    return "\n".join([*lines, *(f"export {name}={shlex.quote(value)}" for name, value in named.items())])


def execute(target: Target, name: str, arguments: Sequence[str] = ()) -> NoReturn:
    """Become a program that uses libpq, with these arguments of its own, on the target.

    The connection is tried first: what keeps one out is told with its remedy.
    """
    with connect(target) as connection:
        program, more = programs.find(name, connection.info.server_version // 10_000)
    location = locate(target)
    named = variables(location, keep_password(location, target.name))
    environment = {**_inherited(location), "PGCONNECT_TIMEOUT": str(CONNECT_TIMEOUT), **named, **more}
    options = _other_options(location) if name == "psql" else []
    sys.stdout.flush()
    try:
        os.execve(program, [program, *options, *arguments], environment)
    except OSError as error:
        raise WrongInput(f"{program} cannot be run ({error.strerror}): name a program") from error


def url(target: Target, *, with_password: bool = False) -> str:
    """The target's connection URL, for a container, a Lambda or a backend; the password only where it was asked for."""
    location = locate(target)
    if with_password and (variable := next((name for name in KEPT_OUTPUT if os.environ.get(name)), "")):
        raise WrongInput(f"the output is kept here ({variable} is set), and a password stays out of it: use a shell of your own")
    given = {keyword: str(value) for keyword, value in location.parameters.items() if with_password or keyword != "password"}
    for keyword in UNSEEN.intersection(given) - {"password"}:
        given.pop(keyword)
    return as_url(given)


def as_url(parameters: Mapping[str, str]) -> str:
    """libpq's parameters as a URL (PostgreSQL 18, chapter 32.1.1.2); a host that fits in no authority is one of its options."""
    rest = {keyword: quote(value, safe="") for keyword, value in parameters.items()}
    host = parameters.get("host", "")
    place = ""
    if host and not re.search(r"[/,@]", host):
        port = f":{rest.pop('port')}" if "port" in rest else ""
        place = (f"[{host}]" if ":" in host else rest["host"]) + port
        rest.pop("host")
    person = ":".join(rest.pop(name) for name in ("user", "password") if name in rest)
    database = rest.pop("dbname", "")
    options = "&".join(f"{keyword}={value}" for keyword, value in rest.items())
    return f"postgresql://{person}{'@' if person else ''}{place}/{database}{'?' if options else ''}{options}"


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
