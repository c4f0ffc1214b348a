"""What a file says that means nothing in this database, as files of other servers and versions do: it is left out, and told.

Whom something belongs to, since what a file makes belongs to cruddur_owner; the rights of roles that are not there; settings that
another version has; comments on extensions, which are their makers'. And, untold, client_encoding: files are UTF-8.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import takewhile

from cruddur_ops.database.connection import Connection
from cruddur_ops.database.statements import ask
from cruddur_ops.database.tokens import Statement

OWNER, COMMENT, RIGHTS, SETTING = "OWNER TO", "COMMENT ON EXTENSION", "rights of unknown roles", "SET of unknown settings"
ENCODING = ""
EVERYBODY = frozenset({"PUBLIC", "CURRENT_USER", "CURRENT_ROLE", "SESSION_USER"})
AFTER_ROLES = frozenset({"WITH", "GRANTED", "CASCADE", "RESTRICT", "IN", "GRANT", "REVOKE"})


def omitted(connection: Connection, found: Iterable[Statement]) -> Mapping[Statement, str]:
    """The statements of a file that mean nothing here, each with what it is."""
    needed = {one: (kind, names) for one in found for kind, names in _needs(one)}
    roles, settings = ({name for kind, names in needed.values() if kind == of for name in names} for of in (RIGHTS, SETTING))
    unknown: set[str] = set()
    if roles or settings:
        rows = ask(connection, "operations/unknown", roles=sorted(roles), settings=sorted(settings))
        unknown = {row["name"] for row in rows}
    return {one: kind for one, (kind, names) in needed.items() if kind in (OWNER, COMMENT, ENCODING) or unknown & set(names)}


def summary(left_out: Mapping[Statement, str]) -> str:
    """What was left out, counted; empty for nothing."""
    counts = ", ".join(f"{count} {kind}" for kind, count in sorted(Counter(filter(None, left_out.values())).items()))
    return f"left out of the file: {counts}" if counts else ""


def _needs(one: Statement) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What a statement may be left out for, with the roles or settings that it depends on."""
    words = one.words
    if one.begins("ALTER") and words[-3:-1] == ("OWNER", "TO") and "RENAME" not in words and words[-1] != "CRUDDUR_OWNER":
        yield OWNER, ()
    elif one.begins("COMMENT", "ON", "EXTENSION"):
        yield COMMENT, ()
    elif words[0] in ("GRANT", "REVOKE") or one.begins("ALTER", "DEFAULT", "PRIVILEGES"):
        yield RIGHTS, tuple(_roles(words))
    elif words[0] == "SET":
        rest = words[2:] if words[1:2] and words[1] in ("SESSION", "LOCAL") else words[1:]
        if rest[:1] in (("CLIENT_ENCODING",), ("NAMES",)):
            yield ENCODING, ()
        elif rest[1:2] and rest[1] in ("=", "TO"):
            yield SETTING, (rest[0].lower(),)


def _roles(words: tuple[str, ...]) -> Iterator[str]:
    """Those that get or lose a right, and those whose default it is to be."""
    last = max((number for number, word in enumerate(words) if word in ("TO", "FROM")), default=len(words))
    starts = [last, *(number + 1 for number, word in enumerate(words) if word == "FOR" and "DEFAULT" in words)]
    for start in starts:
        named = " ".join(takewhile(lambda word: word not in AFTER_ROLES, words[start + 1 :]))
        yield from {name.strip().removeprefix("GROUP ") for name in named.split(",")} - EVERYBODY - {""}
