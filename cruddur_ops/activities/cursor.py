"""The cursor of a feed: where the next page begins, as text that means nothing to its reader; any other text is WrongInput."""

import base64
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from cruddur_ops.errors import WrongInput

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)  # what timestamptz resolves (PostgreSQL 18, chapter 8.5)
LAYOUT = struct.Struct(">q16s")  # microseconds since EPOCH, uuid: 24 bytes are 32 characters of base64
BEGINNING = {"created_at": "infinity", "uuid": str(UUID(int=2**128 - 1))}  # later than all
MALFORMED = 'cursor_malformed: use the next_cursor of a page, or "" for the first page'


@dataclass(frozen=True)
class Position:
    """A place in a feed that is ordered by creation and uuid, both descending: just after this activity."""

    created_at: datetime
    uuid: UUID

    @property
    def cursor(self) -> str:
        """As 32 characters that a URL takes unquoted."""
        microseconds = (self.created_at - EPOCH) // MICROSECOND
        return base64.urlsafe_b64encode(LAYOUT.pack(microseconds, self.uuid.bytes)).decode()


def after(activity: Mapping[str, Any]) -> Position:
    """The place just after an activity, as PostgreSQL's JSON shows it."""
    return Position(datetime.fromisoformat(activity["created_at"]), UUID(activity["uuid"]))


def read(cursor: str) -> Position:
    """The place that a cursor stands for."""
    try:
        microseconds, uuid = LAYOUT.unpack(base64.urlsafe_b64decode(cursor))
        position = Position(EPOCH + microseconds * MICROSECOND, UUID(bytes=uuid))
    except (ValueError, OverflowError, struct.error) as error:
        raise WrongInput(MALFORMED) from error
    if position.cursor != cursor:  # base64 decodes other texts to the same bytes
        raise WrongInput(MALFORMED)
    return position


def parameters(cursor: str) -> dict[str, str]:
    """What the queries of the feeds take; an empty cursor is the beginning."""
    if not cursor:
        return BEGINNING
    position = read(cursor)
    return {"created_at": position.created_at.isoformat(), "uuid": str(position.uuid)}
