"""Small patches for what moto gets wrong of CloudWatch Logs, one function each, each with its contract test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.logs.exceptions import InvalidParameterException
from moto.logs.models import LogGroup, LogsBackend
from moto.logs.responses import LogsResponse

# Days; CloudWatch Logs API Reference, PutRetentionPolicy.
RETENTIONS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)


def interleave_events() -> None:
    """FilterLogEvents answers in the order of time, whatever the stream: `interleaved` is ignored (API Reference)."""
    original: Callable[..., Any] = LogGroup.filter_log_events

    def filter_log_events(self: LogGroup, *arguments: Any) -> Any:
        return original(self, *arguments[:-1], interleaved=True)

    LogGroup.filter_log_events = filter_log_events  # type: ignore[method-assign,assignment]  # that is what a patch does


def check_retention() -> None:
    """PutRetentionPolicy takes certain numbers of days only."""
    original = LogsBackend.put_retention_policy

    def put_retention_policy(self: LogsBackend, log_group_name: str, retention_in_days: Any) -> None:
        if int(retention_in_days) not in RETENTIONS:
            allowed = f"Member must satisfy enum value set: {list(RETENTIONS)}"
            raise InvalidParameterException(constraint=allowed, parameter="retentionInDays", value=retention_in_days)
        original(self, log_group_name, retention_in_days)

    LogsBackend.put_retention_policy = put_retention_policy  # type: ignore[method-assign]


def refuse_live_tail() -> None:
    """StartLiveTail: moto answers with what is there already, and then nothing more."""

    def start_live_tail(self: LogsResponse) -> None:
        raise NotImplementedError("StartLiveTail")

    LogsResponse.start_live_tail = start_live_tail  # type: ignore[assignment,method-assign]


def install() -> None:
    """Put every patch in place."""
    interleave_events()
    check_retention()
    refuse_live_tail()
