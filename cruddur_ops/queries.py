"""The loader of sql/: one file is one query, and its first line says what it is for."""

import difflib
import functools
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from cruddur_ops.errors import WrongInput
from cruddur_ops.state import PROJECT

FOLDER = PROJECT / "sql"


@dataclass(frozen=True)
class Query:
    """A file of sql/."""

    name: str  # its path below sql/ without the suffix, such as "activities/home"
    description: str  # what its first line says after the dashes
    # The whole file. Values are written as psycopg wants them, `%(name)s`, with any other % doubled. The few statements that
    # take no values have `{name}` where a quoted identifier goes, and no %. Scripts of several statements, schema.sql and the
    # migrations, are run as they are
    text: str

    def __str__(self) -> str:
        """The SQL, so that a notebook can print it."""
        return self.text


@functools.cache
def load(name: str) -> Query:
    """Read a query, or the file of an absolute path without its suffix; WrongInput where sql/ has no file of this name."""
    if not _is_there(name) and not Path(name).is_absolute():
        near = difflib.get_close_matches(name, names(), n=1, cutoff=0)
        raise WrongInput(f'sql/ has no query "{name}": did you mean "{near[0]}"?')
    text = _read(name)
    return Query(name, text.partition("\n")[0].removeprefix("--").strip(), text)


def place(name: str) -> str:
    """The file of a query as it is told, such as "sql/schema.sql"."""
    return f"{name}.sql" if Path(name).is_absolute() else f"sql/{name}.sql"


def _is_there(name: str) -> bool:
    """Whether it is one of `names`, without a look at all of them."""
    plain = PurePosixPath(name)
    try:
        return plain.as_posix() == name and ".." not in plain.parts and (FOLDER / f"{name}.sql").is_file()
    except OSError:  # too long for a name
        return False


def _read(name: str) -> str:
    """The text of a file, with Unix's line ends and without a byte order mark."""
    try:
        text = (FOLDER / f"{name}.sql").read_text(encoding="utf-8-sig")
    except OSError as error:
        raise WrongInput(f"{place(name)} cannot be read ({error.strerror}): name another file") from error
    except UnicodeDecodeError as error:
        if error.object.startswith(b"PGDMP"):
            raise WrongInput(f"{place(name)} is an archive of pg_dump's: write it as SQL with `pg_restore --file`") from error
        raise WrongInput(f"{place(name)} is not in UTF-8: save it as UTF-8") from error
    except ValueError as error:  # a NUL character in its name
        raise WrongInput(f"no file can be called {place(name)!a}: name another") from error
    if "\0" in text:
        raise WrongInput(f"{place(name)} holds a NUL character, which PostgreSQL cannot read: save it as UTF-8 text")
    return text


def names() -> tuple[str, ...]:
    """The name of every query, sorted."""
    return tuple(sorted(path.relative_to(FOLDER).with_suffix("").as_posix() for path in FOLDER.rglob("*.sql")))
