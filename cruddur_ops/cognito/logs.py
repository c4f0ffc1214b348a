"""The log of an invocation, as it arrives."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from cruddur_ops import aws, progress
from cruddur_ops.cognito import names
from cruddur_ops.errors import NotFound
from cruddur_ops.target import Target

SECONDS = 60
END = "REPORT "  # Lambda's last line of an invocation (AWS Lambda Developer Guide, "Log files for your function")
PLATFORM = ("START ", "END ", "INIT_START ", END)
SHOWN = ("level", "message", "error", "reason", "trigger")


@dataclass(frozen=True)
class Tail:
    """The lines of a log, oldest first; what differs from one invocation to the next is not shown."""

    messages: tuple[str, ...] = field(repr=False)  # as CloudWatch has them

    def __repr__(self) -> str:
        return "\n".join(lines(self.messages))


def tail(target: Target, since: int, timeout: float = SECONDS) -> Tail:
    """Wait for the end of the function's first invocation since then, and return what it logged; NotFound where none ends.

    Args:
        since: milliseconds since 1970, by AWS's clock.
    """
    group = names.log_group(target)

    def look() -> tuple[str, Tail | None]:
        found = events(target, group, since)
        ended = any(message.startswith(END) for message in found)
        return f"{len(found)} lines", Tail(tuple(found)) if ended else None

    remedy = "see with `cognito.plan(target)` of 05_post_confirmation_lambda whether Cognito calls the function"
    return progress.poll(group, look, timeout, lambda _: NotFound(f"{group} has no finished invocation: {remedy}"))


def events(target: Target, group: str, since: int) -> list[str]:
    """The lines of the log group since then; none where it is not there."""
    found = aws.pages(target, "logs", "filter_log_events", "ResourceNotFoundException", logGroupName=group, startTime=since)
    return [event["message"].rstrip("\n") for event in found]


def lines(messages: Iterable[str]) -> Iterator[str]:
    """What the function said, without what only this invocation has: its id, its time."""
    for message in messages:
        if not message.startswith(PLATFORM):
            said = _parsed(message)
            yield ", ".join(str(said[name]) for name in SHOWN if said.get(name)) if said else message


def _parsed(message: str) -> dict[str, Any]:
    """A line of the handler's; empty for any other."""
    try:
        said = json.loads(message)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
