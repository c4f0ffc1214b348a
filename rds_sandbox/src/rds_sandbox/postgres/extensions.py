"""The extensions that RDS lets rds_superuser create, though PostgreSQL asks for a superuser."""

from __future__ import annotations

import shutil
from pathlib import Path

from rds_sandbox.folders import share
from rds_sandbox.postgres.programs import Programs

PRELOADED = "pg_stat_statements"  # by the default parameter groups (Amazon RDS User Guide, "pg_stat_statements")
# Those of RDS for PostgreSQL 18 that PostgreSQL itself does not trust ("Extensions supported for RDS for PostgreSQL").
SUPPORTED = (
    "amcheck", "autoinc", "bloom", "dblink", "earthdistance", "insert_username", "moddatetime", "pageinspect",
    "pg_buffercache", "pg_freespacemap", "pg_prewarm", "pg_stat_statements", "pg_visibility", "pg_walinspect", "pgrowlocks",
    "pgstattuple", "postgres_fdw", "refint", "vector",
)  # fmt: skip
FIRST_MAJOR = 18  # the first with extension_control_path


def settings(programs: Programs, root: Path) -> dict[str, str]:
    """The settings of every server: what is preloaded, and where trusted control files are.

    Before major 18 control files are read from the server's own folder alone, which is not ours to
    change: there the administrator makes the preloaded extension in each new database. Programs that do not
    say where their files are (pg_config) get none of it.
    """
    if not Path(programs.path("pg_config")).exists():
        return {}
    libraries = Path(programs.run("pg_config", "--pkglibdir").strip())
    found = {"shared_preload_libraries": PRELOADED} if list(libraries.glob(f"{PRELOADED}.*")) else {}
    if programs.major() < FIRST_MAJOR:
        return found
    own = Path(programs.run("pg_config", "--sharedir").strip()) / "extension"
    return {**found, "extension_control_path": f"{_trust(own, root / 'trusted')}:$system"}


def _trust(own: Path, folder: Path) -> Path:
    """Copy the supported extensions with control files that say `trusted` (PostgreSQL 18, chapter 36.17.1)."""
    copies = folder / "extension"
    copies.mkdir(parents=True)
    for name in SUPPORTED:
        for file in own.glob(f"{name}*"):
            shutil.copy(file, copies)
        control = copies / f"{name}.control"
        if control.exists():
            control.write_text(control.read_text() + "\ntrusted = true\n")
    share(folder)
    return folder
