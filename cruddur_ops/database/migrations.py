"""The migrations: numbered pairs of files in sql/migrations/, one up, one down.

The first is the schema that all others start from, and has no way down. Reading them raises WrongInput where they are no
sequence, or not what a database has.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cruddur_ops import queries
from cruddur_ops.errors import WrongInput

FOLDER = "migrations"
NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
LENGTH = 60
FIRST = 0
UPDATE = "update your copy of the project"


@dataclass(frozen=True, order=True)
class Migration:
    """A pair of files: the number, which is the version that the schema then has, and a name such as "0001_add_bio_to_users"."""

    version: int
    name: str

    @property
    def up(self) -> str:
        """The script that applies it."""
        return f"{FOLDER}/{self.name}.up"

    @property
    def down(self) -> str:
        """The script that undoes it."""
        return f"{FOLDER}/{self.name}.down"


def available() -> tuple[Migration, ...]:
    """The migrations in sql/, oldest first."""
    names = set(queries.names())
    found = sorted({_parsed(name.removeprefix(f"{FOLDER}/")) for name in names if name.startswith(f"{FOLDER}/")})
    numbers = Counter(migration.version for migration in found)
    for number in range(FIRST, len(found)):
        if numbers[number] != 1:
            problem = "is there twice" if numbers[number] else "is missing"
            raise WrongInput(f"the migration {number:04} {problem}: number the files of sql/migrations/ in sequence")
    for migration in found:
        wanted = {migration.up} if migration.version == FIRST else {migration.up, migration.down}
        for missing in sorted(wanted - names):
            raise WrongInput(f"sql/{missing}.sql is missing: write it, or delete the other file of the pair")
    return tuple(found)


def _parsed(file: str) -> Migration:
    number, _, rest = file.partition("_")
    name, _, direction = rest.rpartition(".")
    if not re.fullmatch(r"\d{4}", number) or not NAME.fullmatch(name) or direction not in ("up", "down"):
        raise WrongInput(f"sql/migrations/{file}.sql is no NNNN_name.up.sql or NNNN_name.down.sql: rename it")
    return Migration(int(number), f"{number}_{name}")


def newest() -> int:
    """The version that schema.sql has."""
    return available()[-1].version


def new_migration(name: str) -> tuple[Path, Path]:
    """Write the next pair, up and down, with nothing but their first lines; WrongInput for a name that cannot be used."""
    if not NAME.fullmatch(name) or len(name) > LENGTH or name == "check":  # which is what `db migration check` does
        example = f"use up to {LENGTH} small letters, digits and single underscores, as in add_bio_to_users"
        raise WrongInput(f'"{name}" is no name for a migration: {example}')
    number, words = newest() + 1, name.replace("_", " ")
    migration = Migration(number, f"{number:04}_{name}")
    up, down = (queries.FOLDER / f"{script}.sql" for script in (migration.up, migration.down))
    for path, line in ((up, words.capitalize()), (down, f"Undo: {words}")):
        try:
            path.write_text(f"-- {line}.\n", encoding="utf-8")
        except OSError as error:
            raise WrongInput(f"{path} cannot be written ({error.strerror}): see to the folder's rights, then repeat") from error
    return up, down


def pending(applied: Mapping[int, str]) -> tuple[Migration, ...]:
    """The migrations that a database does not have yet, oldest first, by the names of those that it has."""
    found = {migration.version: migration for migration in available()}
    for version, name in applied.items():
        if version not in found or found[version].name != name:
            known = f"sql/migrations/ has {found[version].name}" if version in found else "sql/migrations/ ends before"
            raise WrongInput(f"the database has the migration {name}, and {known}: {UPDATE}")
    return tuple(migration for version, migration in sorted(found.items()) if version not in applied)
