"""What a rehearsal found: as text, as JSON, and as a picture."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from cruddur_ops import pictures
from cruddur_ops.database.status import readable
from cruddur_ops.errors import NotVerified, PlanMoved
from cruddur_ops.pictures import BLUE, ORANGE, VERMILION, Picture
from cruddur_ops.rehearsal import measurements
from cruddur_ops.rehearsal.locks import Lock, Timed
from cruddur_ops.rehearsal.statements import Changed
from cruddur_ops.target import Target

REPORT_MIME = "application/vnd.cruddur-ops.rehearsal+json"
LEAST, MOST = 0.5, 2.0  # how much of what a copy took production may take
STEP = "the step"  # the phase


@dataclass(frozen=True)
class Phase:
    """A part of the rehearsal, in seconds."""

    name: str
    seconds: float


@dataclass(frozen=True)
class Report:
    """What a step did to a copy."""

    step: str  # its title
    target: str  # its name
    instance: str  # the identifier of the original
    digest: str  # of the version and the schema that the copy had: with another one the rehearsal is void
    failed: str  # why the step failed; empty where it did not
    phases: tuple[Phase, ...]  # in their order
    statements: tuple[Timed, ...]  # of the files that ran
    locks: tuple[Lock, ...]  # that would have kept the application waiting
    rewritten: tuple[str, ...]  # tables and indexes that were written anew, and new ones
    wal: int | None  # bytes of write-ahead log; None for an upgrade, which begins it anew
    disk: tuple[int, int]  # the size of the database before and after, in bytes
    free: float | None  # the least free storage that was seen, in bytes; None where CloudWatch saw none
    plans: tuple[Changed, ...]  # the statements of the application, and of the live instance, before and after
    differences: tuple[str, ...]  # what else differs
    warnings: tuple[str, ...]  # squawk's, of the files
    outage: float  # for how long the server did not answer, in seconds

    @property
    def seconds(self) -> float:
        """How long the step took."""
        return sum(phase.seconds for phase in self.phases if phase.name == STEP)

    @property
    def slower(self) -> tuple[Changed, ...]:
        """The statements that became slower."""
        return tuple(one for one in self.plans if one.slower)

    @property
    def changed(self) -> tuple[Changed, ...]:
        """Those that became slower, or are run in another way."""
        return tuple(one for one in self.plans if one.slower or one.nodes)

    @property
    def downtime(self) -> float:
        """For how long somebody would have waited at the longest: for the server, or for a lock."""
        return max([self.outage, *(lock.seconds for lock in self.locks)])

    def require_passed(self) -> Report:
        """Refuse to go on from a step that failed on the copy."""
        if self.failed:
            raise NotVerified(f"the {self.step} failed on the copy, and production was not touched: {self.failed}")
        return self

    def require_valid(self, target: Target) -> Report:
        """Refuse to rely on it where the live instance has another version or another schema by now."""
        if measurements.digest(target) != self.digest:
            message = f"the version or the schema of {self.instance} is another than that of the copy"
            raise PlanMoved(f"{message}, so that the rehearsal of the {self.step} is void: rehearse it again")
        return self

    def to_json(self) -> str:
        """All of it."""
        return json.dumps(asdict(self), indent=2)

    def __str__(self) -> str:
        return "\n".join([f"rehearsal of the {self.step} on a copy of {self.instance}", *(f"  {one}" for one in self._lines())])

    __repr__ = __str__

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        """The text for the reader of the notebook, and all of it for the evidence."""
        return {"text/plain": str(self), REPORT_MIME: json.loads(self.to_json())}

    def _lines(self) -> Iterator[str]:
        yield f"FAILED: {self.failed}" if self.failed else f"passed in {self.seconds:.1f} s"
        yield self._expected()
        yield from (f"{one.file}.sql, line {one.line}: {one.kind}, {one.seconds:.2f} s" for one in self.statements)
        yield from map(str, self.locks)
        yield from self.rewritten
        yield from self._written()
        yield from (f"{'WARNING: ' if one.slower else ''}{one}" for one in self.changed)
        if not self.changed:
            yield f"all {len(self.plans)} statements are run as before, and none became slower"
        yield from self.differences
        yield from (f"squawk: {one}" for one in self.warnings)

    def _expected(self) -> str:
        if not self.downtime:
            return "downtime to expect: none; nobody would have waited"
        what = "the server did not answer" if self.outage == self.downtime else "a lock kept others waiting"
        span = f"{self.downtime * LEAST:.1f} to {self.downtime * MOST:.1f} s"
        why = "a copy has nobody else at work on it, and reads its blocks from S3 when they are first wanted"
        return f"downtime to expect: {span}, since {what} for {self.downtime:.1f} s here; {why}"

    def _written(self) -> Iterator[str]:
        before, after = self.disk
        yield f"disk: {readable(before)} -> {readable(after)}" + (f", write-ahead log {readable(self.wal)}" if self.wal else "")
        if self.free is not None:
            yield f"free storage at its lowest: {readable(self.free)}"

    def plot(self) -> Picture:
        """The phases and the locks along the time, and the statements before and after, as far as there are any."""
        parts = {_phases: len(self.phases), _locks: len(self.locks), _statements: len(_timed(self))}
        drawn = {draw: 0.4 * count + 0.8 for draw, count in parts.items() if count}
        figure, axes = pictures.panels(*drawn.values()) if drawn else (None, [])
        for draw, place in zip(drawn, axes, strict=True):
            draw(place, self)
        phases, locks, statements = parts.values()
        what = f"{phases} phases, {locks} locks that keep others waiting, and {statements} statements before and after"
        return Picture(f"the rehearsal of the {self.step}: {what}", figure)


def _phases(axes: Any, report: Report) -> None:
    position = 0.0
    for phase in report.phases:
        axes.barh(phase.name, phase.seconds, left=position, color=BLUE)
        position += phase.seconds
    axes.invert_yaxis()
    axes.set(xlabel="seconds", title=f"Rehearsal of the {report.step}")


def _locks(axes: Any, report: Report) -> None:
    for lock in report.locks:
        axes.barh(f"{lock.words}\n{lock.relation}", lock.seconds, left=lock.began, color=VERMILION)
    axes.invert_yaxis()
    axes.set(xlabel="seconds of the step", xlim=(0, None), title="Locks that keep others waiting")


def _timed(report: Report) -> list[Changed]:
    return [one for one in report.plans if one.unit == "ms"]


def _statements(axes: Any, report: Report) -> None:
    timed = _timed(report)
    for shift, moment, colour, hatch in ((-0.2, "before", BLUE, ""), (0.2, "after", ORANGE, "//")):
        places = [number + shift for number in range(len(timed))]
        axes.barh(places, [getattr(one, moment) for one in timed], 0.4, label=moment, color=colour, hatch=hatch)
    axes.set_yticks(range(len(timed)), [one.name for one in timed])
    axes.invert_yaxis()
    axes.set(xlabel="milliseconds", xscale="log", title="The application's statements")
    axes.legend()
