"""What DescribeEvents tells: what really happened to a DB instance or a snapshot, when it happened.

Their categories, ids and messages are in events.toml, which names its sources.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from moto.core.utils import utcnow
from moto.rds.exceptions import InvalidParameterCombination

from rds_sandbox.patches import Request, action
from rds_sandbox.rds import validation
from rds_sandbox.rds.requests import given, paged
from rds_sandbox.tables import limits, read

USUAL_MINUTES = limits("rds")["events_minutes"]
listeners: list[Callable[[Any, Event], None]] = []  # who hear of each event


@dataclass(frozen=True)
class Event:
    """One event, under moto's names for the members of DescribeEvents' answer; times are UTC without a zone."""

    source_identifier: str
    source_type: str
    source_arn: str
    event_categories: list[str]
    message: str
    date: datetime = field(default_factory=utcnow)
    id: str = ""


def facts() -> dict[str, Any]:
    """The tables of events.toml."""
    return read(__package__, "events.toml")


def say(source: Any, name: str, /, **values: object) -> str:
    """Record that this, by its name in events.toml, has just happened to an instance, a snapshot or a deployment; its message."""
    category, number, message = facts()["events"][name]
    said: str = message.format(**values)
    event = Event(source.resource_id, source.event_source_type, source.arn, [category], said, id=number)
    source.backend.events.append(event)
    for listen in listeners:
        listen(source, event)
    return said


@action("rds", "DescribeEvents")
def describe(request: Request) -> dict[str, Any]:
    """Oldest first; by default those of the last hour."""
    parameters = given(request)
    return paged({"Events": select(request.backend.events, parameters, utcnow())}, parameters)


def select(events: Iterable[Event], parameters: Mapping[str, Any], now: datetime) -> list[Event]:
    """The events that the parameters of DescribeEvents ask for."""
    identifier, kind = parameters.get("SourceIdentifier"), parameters.get("SourceType")
    if identifier and not kind:
        raise InvalidParameterCombination("Cannot specify source identifier without source type")
    start, end = _interval(parameters, now)
    categories = set(parameters.get("EventCategories") or ())
    return [
        event
        for event in events
        if start <= event.date <= end
        if kind in (None, event.source_type)
        if identifier is None or identifier.lower() == event.source_identifier
        if not categories or categories & set(event.event_categories)
    ]


def _interval(parameters: Mapping[str, Any], now: datetime) -> tuple[datetime, datetime]:
    validation.check_ranges(parameters)
    start, span = parameters.get("StartTime"), timedelta(minutes=parameters.get("Duration", USUAL_MINUTES))
    end = parameters.get("EndTime") or (start + span if start and "Duration" in parameters else now)
    start = start or end - span
    if start > end:
        raise InvalidParameterCombination("The start time must be before the end time.")
    return start, end
