"""The statements of a file, found by sqlglot's tokenizer: strings, quoted names, dollar quotes and comments may hold semicolons.

Statements end as they do in psql: not within parentheses, nor within the body of an SQL function (BEGIN ATOMIC … END).
Reading raises WrongInput for what can be no file of statements.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Any

from cruddur_ops.errors import WrongInput
from cruddur_ops.garbage import uncollected

LITERALS = frozenset({"STRING", "BYTE_STRING", "HEX_STRING", "BIT_STRING", "NATIONAL_STRING", "UNICODE_STRING", "HEREDOC_STRING"})
COMMANDS = frozenset({"COMMAND", "EXECUTE", "FETCH", "SHOW", "RENAME"})
QUOTE = re.compile(r"Missing (\S+) from")  # as sqlglot tells which quote stays open
BIND = re.compile(r":([A-Za-z_]\w*)")
COPY = re.compile(r"^(?P<statement>COPY\b[^;']*\bFROM\s+STDIN\b(?:'[^']*'|[^;'])*;)[ \t]*\n", re.IGNORECASE | re.MULTILINE)
COPY_DATA = re.compile(r"(?:[^\n]*\n)*?\\\.[ \t]*(?:\n|\Z)")  # up to the line that ends it (PostgreSQL 18, COPY)
MEANINGLESS = re.compile(r"^\\(?:un)?restrict\b[^\n]*", re.MULTILINE)  # pg_dump's: they keep psql from its own commands


@dataclass(frozen=True)
class Statement:
    """A statement of a file."""

    line: int  # on which its first word stands, from 1
    words: tuple[str, ...]  # its tokens but strings and the like, in capitals
    start: int  # where it begins in the file
    end: int  # where it ends, without the semicolon
    data: str | None = None  # what a COPY … FROM stdin has below it; None for any other statement

    def begins(self, *words: str) -> bool:
        """Whether these are its first words."""
        return self.words[: len(words)] == words


@cache
def _tokenizer() -> Any:
    with uncollected():
        from sqlglot.dialects.postgres import Postgres  # 0.2 seconds, for those alone who run a file

    return Postgres()


def tokens(content: str, name: str, above: int = 0) -> list[Any]:
    """The tokens of SQL that has so many lines of its file above it, with their places; WrongInput where a quote stays open."""
    from sqlglot.errors import TokenError

    try:
        return list(_tokenizer().tokenize(content))
    except TokenError as error:
        which = _opened(content, str(error.__cause__), above)
        raise WrongInput(f"{name}{which} is opened and not closed: close it, and repeat; nothing of it was run") from error


def _opened(content: str, message: str, above: int) -> str:
    """What stays open, and where, which is found by closing it."""
    from sqlglot.errors import TokenError

    with suppress(TokenError):
        if quote := QUOTE.match(message):
            closed = _tokenizer().tokenize(f"{content}\n{quote[1]}")
            return f", line {above + _line(content, closed[-1].start)}: a quote"
    return ": a quote or a comment"


@lru_cache(maxsize=8)  # a file is read to be planned, and to be run
def statements(content: str, name: str) -> list[Statement]:
    """The statements of a file, in their order."""
    found: list[Statement] = []
    position = 0
    while position < len(content):
        copy = _copy(content, position)
        before = content[position : copy.start() if copy else len(content)]
        found += _split(before, name, content, position)
        if copy is None:
            break
        (statement,) = _split(copy["statement"], name, content, copy.start())
        data = COPY_DATA.match(content, copy.end())
        if data is None:
            remedy = "write \\. on a line below them"
            raise WrongInput(f"{name}, line {statement.line}: the data of this COPY have no end: {remedy}")
        found.append(replace(statement, data=data[0][: data[0].rindex("\\.")]))
        position = data.end()
    return found


def with_binds(content: str, name: str) -> tuple[str, frozenset[str]]:
    """The statement as psycopg takes it, and the names of its values: `:name` as `%(name)s`, any other % doubled.

    As in psql a colon within literals, comments and casts begins no name (PostgreSQL 18, psql, "SQL Interpolation"); nor does
    one that follows on a value, which is a slice.
    """
    pieces, names, position = [], set(), 0
    for token in tokens(content, name):
        before = content[token.start - 1 : token.start]
        found = BIND.match(content, token.start) if token.token_type.name == "COLON" else None
        if found and not before.isalnum() and before not in (":", "]", ")"):
            pieces += [content[position : token.start].replace("%", "%%"), f"%({found[1]})s"]
            names.add(found[1])
            position = found.end()
    return "".join([*pieces, content[position:].replace("%", "%%")]), frozenset(names)


def _copy(content: str, position: int) -> re.Match[str] | None:
    """The next COPY that reads from the file itself, if it stands outside of quotes and comments."""
    from sqlglot.errors import TokenError

    for found in COPY.finditer(content, position):
        try:  # whatever has been opened before it is closed
            before = _tokenizer().tokenize(f"{content[position : found.start()]}\nCOPY")
        except TokenError:
            continue
        if before and before[-1].text.upper() == "COPY":
            return found
    return None


def _split(part: str, name: str, content: str, start: int) -> Iterator[Statement]:
    """The statements of a part without data, which begins at this place of the file."""
    held: list[Any] = []
    parentheses = blocks = 0
    for token in tokens(part, name, content.count("\n", 0, start)):
        word = _word(token, held)
        if word == "\\":
            command = re.match(r"\\\S*", part[token.start :])
            line = _line(content, start + token.start)
            remedy = "take it out, or write what it does as SQL"
            raise WrongInput(f"{name}, line {line}: {command[0] if command else word} is a command of psql's own: {remedy}")
        if word == ";" and not parentheses and not blocks:
            yield from _statement(held, content, start)
            held = []
            continue
        held.append(token)
        parentheses = max(0, parentheses + (word == "(") - (word == ")"))
        if word == "ATOMIC" and len(held) > 1 and _word(held[-2], ()) == "BEGIN":
            blocks = 1
        elif blocks:
            blocks += (word == "CASE") - (word == "END")
    yield from _statement(held, content, start)


def _word(token: Any, before: Sequence[Any]) -> str:
    """Its text in capitals; none for a literal, which is no word. sqlglot takes for one what follows on words such as RESET."""
    literal = token.token_type.name in LITERALS and not (before and before[-1].token_type.name in COMMANDS)
    return "" if literal else str(token.text).upper()


def _statement(held: list[Any], content: str, start: int) -> Iterator[Statement]:
    if held:
        begin, end = start + held[0].start, start + held[-1].end + 1
        words = tuple(" ".join(map(_word, held, ((), *([one] for one in held)))).split())
        yield Statement(_line(content, begin), words, begin, end)


def _line(content: str, place: int) -> int:
    return content.count("\n", 0, place) + 1
