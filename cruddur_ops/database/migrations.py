"""The migrations: numbered pairs of files in sql/migrations/, one up, one down.

The first one is the schema that all others start from; it has no way down.
"""

from __future__ import annotations

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


class MigrationsUnusable(WrongInput):
    """The files of sql/migrations/ do not make a sequence, or not the one that the database has."""


@dataclass(frozen=True, order=True)
class Migration:
    """A pair of files.

    Attributes:
        version: its number; the schema has this version once it was applied.
        name: such as "0001_add_bio_to_users".
    """

    version: int
    name: str

    @property
    def up(self) -> str:
        """The query that applies it."""
        return f"{FOLDER}/{self.name}.up"

    @property
    def down(self) -> str:
        """The query that undoes it."""
        return f"{FOLDER}/{self.name}.down"


def available() -> tuple[Migration, ...]:
    """The migrations in sql/, oldest first.

    Raises:
        MigrationsUnusable: a number is missing or there twice, or a file of a pair is missing.
    """
    files = [name.removeprefix(f"{FOLDER}/") for name in queries.names() if name.startswith(f"{FOLDER}/")]
    found = sorted({_parsed(file) for file in files})
    numbers = Counter(migration.version for migration in found)
    for number in range(FIRST, len(found)):
        if numbers[number] != 1:
            problem = "is there twice" if numbers[number] else "is missing"
            raise MigrationsUnusable(f"the migration {number:04} {problem}: number the files of sql/migrations/ in sequence")
    for migration in found:
        _require_pair(migration, set(queries.names()))
    return tuple(found)


def _parsed(file: str) -> Migration:
    number, _, rest = file.partition("_")
    name, _, direction = rest.rpartition(".")
    if not re.fullmatch(r"\d{4}", number) or not NAME.fullmatch(name) or direction not in ("up", "down"):
        raise MigrationsUnusable(f"sql/migrations/{file}.sql is no NNNN_name.up.sql or NNNN_name.down.sql: rename it")
    return Migration(int(number), f"{number}_{name}")


def _require_pair(migration: Migration, names: set[str]) -> None:
    wanted = {migration.up} if migration.version == FIRST else {migration.up, migration.down}
    for missing in sorted(wanted - names):
        raise MigrationsUnusable(f"sql/{missing}.sql is missing: write it, or delete the other file of the pair")


def newest() -> int:
    """The version that schema.sql has."""
    return available()[-1].version


def pending(applied: Mapping[int, str]) -> tuple[Migration, ...]:
    """The migrations that a database does not have yet, oldest first.

    Args:
        applied: the names of those that it has, by version.

    Raises:
        MigrationsUnusable: it has one that sql/migrations/ does not have, or has under another name.
    """
    found = {migration.version: migration for migration in available()}
    for version, name in applied.items():
        if version not in found or found[version].name != name:
            known = f"sql/migrations/ has {found[version].name}" if version in found else "sql/migrations/ ends before"
            raise MigrationsUnusable(f"the database has the migration {name}, and {known}: update your copy of the project")
    return tuple(migration for version, migration in sorted(found.items()) if version not in applied)


def new_migration(name: str) -> tuple[Path, Path]:
    """Write the next pair, with nothing but its first lines.

    Returns:
        The files, up and down.

    Raises:
        WrongInput: the name cannot be used, or the folder cannot be written to.
        MigrationsUnusable: the files that are there are no sequence.
    """
    if not NAME.fullmatch(name) or len(name) > LENGTH:
        example = f"use up to {LENGTH} small letters, digits and single underscores, as in add_bio_to_users"
        raise WrongInput(f'"{name}" is no name for a migration: {example}')
    migration = Migration(newest() + 1, f"{newest() + 1:04}_{name}")
    words = name.replace("_", " ")
    first_lines = {migration.up: words.capitalize(), migration.down: f"Undo: {words}"}
    files = {queries.FOLDER / f"{query}.sql": f"-- {line}.\n" for query, line in first_lines.items()}
    for path, text in files.items():
        try:
            path.write_text(text)
        except OSError as error:
            raise WrongInput(f"{path} cannot be written ({error.strerror}): see to the folder's rights, then repeat") from error
    up, down = files
    return up, down
