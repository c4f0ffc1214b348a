"""The extensions that RDS lets rds_superuser create: the server's own, SQL in place of two, a clear refusal of what it lacks."""

import shutil
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from rds_sandbox.folders import share
from rds_sandbox.postgres.programs import Programs
from rds_sandbox.tables import read

PRELOADED = "pg_stat_statements"  # by the default parameter groups (Amazon RDS User Guide, "pg_stat_statements")
FIRST_MAJOR = 18  # the first with extension_control_path
# Those that we have in SQL: version, prefix of their SHA-1, the files of contrib/ with the rest.
OURS = {"uuid-ossp": ("1.1", "uuid", "uuid-ossp"), "pgcrypto": ("1.3", "pgcrypto", "bcrypt pgcrypto")}
LACKING = """DO $$ BEGIN
  RAISE EXCEPTION USING ERRCODE = '0A000', MESSAGE = 'the extension "{name}" is on RDS, and not in the sandbox',
    HINT = 'SELECT name FROM pg_available_extensions WHERE comment <> ''{comment}'' lists those that are.';
END $$;
"""
COMMENT = "not in the sandbox"


def settings(programs: Programs, root: Path) -> dict[str, str]:
    """The settings of every server of these programs: what is preloaded, and where our extension files are.

    Before major 18 extensions are read from the programs' own folder alone, which we change only where it is our copy:
    elsewhere the administrator makes the preloaded extension in each new database. Programs that do not say where their
    files are (pg_config) get none of it.
    """
    if not Path(programs.path("pg_config")).exists():
        return {}
    major = programs.major()
    found = {"shared_preload_libraries": PRELOADED} if programs.has_library(PRELOADED) else {}
    found["rds.extensions"] = ", ".join(names(major))
    own = Path(programs.run("pg_config", "--sharedir").strip()) / "extension"
    if major >= FIRST_MAJOR:
        ours = root / f"extensions-{major}" / "extension"
        ours.mkdir(parents=True)
        found["extension_control_path"] = f"{ours.parent}:$system"
    elif own.is_relative_to(root):
        ours = own
    else:
        return found
    for name in names(major):
        _offer(name, own, ours)
    share(ours.parent)
    return found


def preloaded(settings: Mapping[str, str]) -> bool:
    """Whether a server of these settings has it."""
    return PRELOADED in settings.get("shared_preload_libraries", "")


def facts() -> dict[str, Any]:
    """The tables of extensions.toml."""
    return read(__package__, "extensions.toml")


def names(major: int) -> list[str]:
    """What RDS has of this major."""
    first, last = facts()["first"], facts()["last"]
    return [name for name in facts()["names"] if first.get(name, major) <= major <= last.get(name, major)]


def _offer(name: str, own: Path, ours: Path) -> None:
    """The server's own is trusted (PostgreSQL 18, chapter 36.17.1) where RDS trusts it; what it lacks is ours, or refused."""
    if not (own / f"{name}.control").exists():
        version, prefix, rest = OURS.get(name, ("0", "", ""))
        script = "".join(map(_contrib, ["sha1", *rest.split()])).replace("{prefix}", prefix)
        (ours / f"{name}--{version}.sql").write_text(script if prefix else LACKING.format(name=name, comment=COMMENT))
        comment = "written in SQL for the sandbox" if prefix else COMMENT
        control = f"default_version = '{version}'\ncomment = '{comment}'\nrelocatable = true\ntrusted = true\n"
        (ours / f"{name}.control").write_text(control)
    elif name in facts()["untrusted"]:
        for file in own.glob(f"{name}*") if ours != own else ():
            shutil.copy(file, ours)
        with (ours / f"{name}.control").open("a") as control_file:
            control_file.write("\ntrusted = true\n")
        if wrapper := facts()["wrappers"].get(name):
            _grant(wrapper, ours.glob(f"{name}--*.sql"))


def _grant(wrapper: str, scripts: Iterable[Path]) -> None:
    """In the scripts that make it, and not in those from one version to another."""
    for script in (each for each in scripts if each.name.count("--") == 1):
        with script.open("a") as file:
            file.write(f"\nGRANT USAGE ON FOREIGN DATA WRAPPER {wrapper} TO rds_superuser;\n")


def _contrib(name: str) -> str:
    return (resources.files(__package__) / "contrib" / f"{name}.sql").read_text(encoding="utf-8")
