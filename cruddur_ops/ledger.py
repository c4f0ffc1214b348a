"""What a run tells of its calls to AWS: a line of JSON for each that changes something, for each that was retried, for each wait.

A runner names the file in CRUDDUR_LEDGER; without it, nothing is written. What this process has changed is kept in any case,
so that no message has to guess it.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cruddur_ops.errors import AccessDenied

VARIABLE = "CRUDDUR_LEDGER"
# AWS names what only reads with one of these first.
READING = ("BatchGet", "Describe", "Download", "Filter", "Get", "Head", "List", "Lookup", "Search", "Select", "Simulate")
_changed: list[str] = []  # the newest last


def changed(what: str) -> None:
    """Keep that something was changed."""
    _changed.append(what)


def mark() -> int:
    """A moment, for `since`."""
    return len(_changed)


def since(moment: int) -> str:
    """What this process has changed since then, as a part of a sentence."""
    made = _changed[moment:]
    return f"before that was changed: {', '.join(dict.fromkeys(made))}" if made else "nothing was changed"


@contextmanager
def told() -> Iterator[None]:
    """A block that changes things: where AWS denies any of it, what was changed since it began is said, once for all around."""
    begun = mark()
    try:
        yield
    except AccessDenied as error:
        denial = error.__cause__ if isinstance(error.__cause__, AccessDenied) else error
        raise AccessDenied(f"{denial}; {since(begun)}") from denial


def mutating(operation: str) -> bool:
    """Whether an API operation changes anything, as its name tells."""
    return not operation.removeprefix("Admin").startswith(READING)  # as in Cognito's AdminGetUser


def record(service: str, operation: str, answer: Mapping[str, Any]) -> None:
    """Write down an API call, by what AWS answered.

    Args:
        service: its signing name, such as "rds".
        answer: with ResponseMetadata and, where AWS refused, Error.
    """
    metadata = answer.get("ResponseMetadata", {})
    retries = metadata.get("RetryAttempts", 0)
    if mutating(operation) and ("Error" not in answer or not metadata):  # without an answer, it may have been made
        changed(f"{service}:{operation}")
    if not (mutating(operation) or retries):
        return
    line = {
        "call": f"{service}:{operation}",
        "request_id": metadata.get("RequestId"),
        "status": metadata.get("HTTPStatusCode"),
        "error": answer.get("Error", {}).get("Code"),
        "retries": retries,
        "mutating": mutating(operation),
    }
    _write(line)


def waited(name: str, passed: Sequence[tuple[str, float]]) -> None:
    """Write down a wait: for what, and each status that it passed, with its seconds."""
    _write({"wait": name, "statuses": [{"status": status, "seconds": seconds} for status, seconds in passed]})


def _write(line: Mapping[str, Any]) -> None:
    if path := os.environ.get(VARIABLE):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"time": datetime.now(UTC).isoformat(timespec="milliseconds"), **line}) + "\n")


def read(path: Path) -> list[dict[str, Any]]:
    """The lines of a ledger; none where no call was worth one. A last line cut off by a kill is left out."""
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines if line.endswith("}")]
