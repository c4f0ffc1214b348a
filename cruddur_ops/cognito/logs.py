"""The log of an invocation, as it arrives."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cruddur_ops import aws, progress
from cruddur_ops.cognito import names
from cruddur_ops.errors import OpsError

if TYPE_CHECKING:
    from cruddur_ops.targets import Target

SECONDS = 60
END = "REPORT "  # Lambda's last line of an invocation (AWS Lambda Developer Guide, "Log files for your function")
PLATFORM = ("START ", "END ", "INIT_START ", END)
SHOWN = ("level", "message", "error", "reason", "trigger")


class LogMissing(OpsError):
    """The function has not said anything."""


@dataclass(frozen=True)
class Tail:
    """The lines of a log, oldest first; what differs from one invocation to the next is not shown.

    Attributes:
        messages: as CloudWatch has them.
    """

    messages: tuple[str, ...] = field(repr=False)

    def __repr__(self) -> str:
        """A line for each."""
        return "\n".join(lines(self.messages))


def tail(target: Target, since: int, timeout: float = SECONDS) -> Tail:
    """Wait for the end of the first invocation since then, and return what the function logged.

    Args:
        target: whose function.
        since: milliseconds since 1970, by AWS's clock.
        timeout: seconds.

    Raises:
        LogMissing: no invocation ended in this time.
    """
    group = names.log_group(target)
    deadline = time.monotonic() + timeout
    with progress.waiting(group) as show:
        for pause in progress.pauses():
            found = events(target, group, since)
            show(f"{len(found)} lines")
            if any(message.startswith(END) for message in found):
                return Tail(tuple(found))
            if time.monotonic() + pause > deadline:
                raise LogMissing(f"{group} has no finished invocation: see whether Cognito calls the function with cell 4's plan")
            time.sleep(pause)
    raise AssertionError("the pauses never end")


def events(target: Target, group: str, since: int) -> list[str]:
    """The lines of the log group since then; none where it is not there."""
    logs = aws.client(target, "logs")
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=since)
    try:
        return [event["message"].rstrip("\n") for page in pages for event in page["events"]]
    except logs.exceptions.ResourceNotFoundException:
        return []


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
