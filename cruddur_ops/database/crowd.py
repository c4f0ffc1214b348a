"""Users and activities by the million: the same for the same seed number, and never more than a block in memory.

Everything is drawn with random.random(), whose sequence stays the same from one Python to the next (library
reference, "random", notes on reproducibility), and by arithmetic that IEEE 754 rounds the same everywhere.
Times are relative to a moment that the caller gives.
"""

from __future__ import annotations

import hashlib
import itertools
import random
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

T = TypeVar("T")
Draw = Callable[[], float]  # at least 0, below 1

DAYS = 30  # what the activities are spread over, evenly
ACTIVITIES_EACH = 20  # for a user, on average
BLOCK = 1000  # activities; a reply is at most as many after its parent
REPLIES = 0.3  # of all activities
HOURS_TO_LIVE = (720, 720, 720, 720, 168, 168, 168, 72, 24, 12, 3, 1)  # each a choice that the application offers
HOUR = 3_600_000_000  # microseconds

FIRST = ("Ada", "Bela", "Chidi", "Dana", "Emre", "Farah", "Goran", "Hana", "Imani", "Jorge", "Kaya", "Lena", "Mika")
LAST = ("Adeyemi", "Berger", "Costa", "Dubois", "Eriksen", "Fontaine", "Garcia", "Haddad", "Ito", "Jensen", "Kim")
STARTS = ("Good morning,", "Finally:", "Note to self:", "Who would have thought,", "Today I learned that", "☕ and", "Again,")
MIDDLES = ("the replica", "our backup", "a small index", "the query planner", "this security group", "the Lambda", "my shell")
ENDS = ("works.", "is late.", "was never the problem.", "needs a rest 🎉", "pays for itself.", "went to production.", "is back.")
MESSAGES = tuple(" ".join(parts).encode() for parts in itertools.product(STARTS, MIDDLES, ENDS))

# COPY's binary format (PostgreSQL 18, reference page of COPY): each field is preceded by its length, -1 for null;
# a timestamptz is the microseconds since 2000.
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
HEADER, TRAILER = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"
IDENTITY = struct.Struct(">hi16si16si")
COUNT, REPLY, NO_REPLY = struct.Struct(">ii"), struct.Struct(">i16s"), struct.pack(">i", -1)
TIMES = struct.Struct(">iqiq")


@dataclass(slots=True)
class Activity:
    """A row of the table, times in microseconds since EPOCH; its replies are counted while its block is made."""

    uuid: bytes
    user_uuid: bytes
    message: bytes
    created_at: int
    expires_at: int
    reply_to: bytes = b""
    replies: int = 0

    def __bytes__(self) -> bytes:
        """As sql/scale/copy_activities.sql takes it."""
        return b"".join((
            IDENTITY.pack(7, 16, self.uuid, 16, self.user_uuid, len(self.message)),
            self.message,
            COUNT.pack(4, self.replies),
            REPLY.pack(16, self.reply_to) if self.reply_to else NO_REPLY,
            TIMES.pack(8, self.expires_at, 8, self.created_at),
        ))  # fmt: skip


@dataclass(frozen=True)
class Crowd:
    """So many activities, and the users who post them.

    Attributes:
        activities: how many.
        seed_number: which of the possible crowds.
    """

    activities: int
    seed_number: int = 1

    @property
    def users(self) -> int:
        """How many post them."""
        return 1 + self.activities // ACTIVITIES_EACH

    def handle(self, number: int) -> str:
        """The handle of a user, the first being 0: no two seed numbers share one."""
        return f"{_at(number, FIRST).lower()}_{self.seed_number}_{number}"

    def user_uuid(self, number: int) -> bytes:
        """The uuid of a user; with the size of the crowd in it, and the seed number."""
        return struct.pack(">IHHHHI", self.activities, self.seed_number, 0x4000, 0x8000, 0, number)

    def user_lines(self, now: datetime) -> Iterator[str]:
        """A line for each user, as sql/scale/copy_users.sql takes it."""
        created_at = now - timedelta(days=DAYS)
        for number in range(self.users):
            handle = self.handle(number)
            name = f"{_at(number, FIRST)} {_at(number, LAST)}"
            yield f"{self.user_uuid(number).hex()}\t{handle}\t{name}\t{handle}@example.com\t{created_at}\n"

    def blocks(self, now: datetime) -> Iterator[list[Activity]]:
        """The activities, the oldest first and the last one just before now."""
        draw = random.Random(self.seed_number).random
        end, span = (now - EPOCH) // timedelta(microseconds=1), DAYS * 24 * HOUR
        for first in range(0, self.activities, BLOCK):
            left = range(self.activities - first, max(self.activities - first - BLOCK, 0), -1)
            yield self._block(draw, {number: end - span * number // self.activities for number in left})

    def _block(self, draw: Draw, times: dict[int, int]) -> list[Activity]:
        """Activities by number and time. A reply meets its parent here, so that the parent can count it."""
        block: list[Activity] = []
        for number, created_at in times.items():
            activity = self._activity(draw, number, created_at)
            parent = block[-1 - _skewed(draw, len(block))] if block and draw() < REPLIES else None
            if parent and parent.expires_at > created_at:
                parent.replies += 1
                activity.reply_to, activity.expires_at = parent.uuid, parent.expires_at
            block.append(activity)
        return block

    def _activity(self, draw: Draw, number: int, created_at: int) -> Activity:
        key = b"%d %d" % (self.seed_number, number)
        return Activity(
            hashlib.blake2b(key, digest_size=16).digest(),
            self.user_uuid(_skewed(draw, self.users)),
            _any(draw, MESSAGES),
            created_at,
            created_at + HOUR * _any(draw, HOURS_TO_LIVE),
        )


def _skewed(draw: Draw, count: int) -> int:
    """A number below `count`, half of the time in the lowest eighth: by Zipf's law with an exponent of 2/3."""
    drawn = draw()
    return int(count * drawn * drawn * drawn)


def _any(draw: Draw, values: Sequence[T]) -> T:
    """One of the values, each as likely."""
    return values[int(len(values) * draw())]


def _at(number: int, values: Sequence[T]) -> T:
    """The values in turn, over and over."""
    return values[number % len(values)]
