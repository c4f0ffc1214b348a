"""A rehearsal: a step is done to a copy of the target's DB instance, and measured; the original is not touched.

It raises what planning and making the copy raise, see `copies`; a step that fails is told in the report.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from cruddur_ops import locks, queries
from cruddur_ops.errors import OpsError, PlanMoved
from cruddur_ops.plan import Plan
from cruddur_ops.rds import health
from cruddur_ops.rehearsal import lint, measurements, statements
from cruddur_ops.rehearsal.copies import copied, require_copyable
from cruddur_ops.rehearsal.locks import EXCLUSIVE, Lock, Watch, watching
from cruddur_ops.rehearsal.report import STEP, Phase, Report
from cruddur_ops.rehearsal.statements import Statement
from cruddur_ops.rehearsal.steps import Step
from cruddur_ops.target import Target


@dataclass
class Clock:
    """The phases so far."""

    phases: list[Phase] = field(default_factory=list)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Measure one, however it ends."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.phases.append(Phase(name, time.monotonic() - began))


def rehearse(target: Target, step: Step, snapshot: str = "", show: Callable[[Plan], object] = lambda _: None) -> Report:
    """Do a step to a copy, and tell what that came to; the copy is cleared away, whatever happens.

    Nobody changes the target meanwhile: its lock is held.

    Args:
        target: whose instance; a protected one is confirmed.
        snapshot: to make the copy of; by default it is of this moment.
        show: is given each plan before it is applied.
    """
    require_copyable(target)
    with locks.held(target, f"rehearsal of the {step.title}"):
        step.check(target)
        live, digest, clock = statements.of_live(target), measurements.digest(target), Clock()
        began = time.monotonic()
        with copied(target, snapshot, show) as copy:
            clock.phases.append(Phase("the copy", time.monotonic() - began))
            _require_same(target, copy, digest)
            return _on_copy(target, copy, step, live, digest, clock)


def _require_same(target: Target, copy: Target, digest: str) -> None:
    if measurements.digest(copy) != digest:
        message = f"the copy has another version or another schema than {target.db_instance_identifier} has now"
        raise PlanMoved(f"{message}: make it of this moment, without naming a snapshot")


def _on_copy(target: Target, copy: Target, step: Step, live: tuple[str, ...], digest: str, clock: Clock) -> Report:
    since = datetime.now(UTC)
    with clock.phase("measuring before"):
        plans = statements.measure(copy, live)
        before = measurements.measure(copy)
    with measurements.probing(copy) as outage, watching(copy) as watch, clock.phase(STEP):
        failed = _run(step, copy)
    with clock.phase("measuring after"):
        after = measurements.measure(copy)
        now = statements.measure(copy, live)
    return Report(
        step=step.title,
        target=target.name,
        instance=target.db_instance_identifier,
        digest=digest,
        failed=failed,
        phases=tuple(clock.phases),
        statements=tuple(watch.statements),
        locks=tuple(_told(lock, plans) for lock in watch.locks if lock.relation in before.tables),
        rewritten=measurements.written_anew(before, after),
        wal=after.wal - before.wal if after.version == before.version else None,
        disk=(before.bytes, after.bytes),
        free=health.lowest(copy, "FreeStorageSpace", since),
        plans=statements.compared(plans, now),
        differences=measurements.differences(before, after),
        warnings=_warnings(step, watch),
        outage=outage.seconds,
    )


def _told(lock: Lock, plans: tuple[Statement, ...]) -> Lock:
    reading = lock.mode == EXCLUSIVE
    keeping = [one.name for one in plans if lock.relation in (one.writes | one.reads if reading else one.writes)]
    return replace(lock, keeping=tuple(name for name in keeping if name in queries.names()))


def _run(step: Step, copy: Target) -> str:
    """Do it; why it failed, where it did."""
    try:
        step.run(copy)
    except OpsError as error:
        return str(error)
    return ""


def _warnings(step: Step, watch: Watch) -> tuple[str, ...]:
    ran = {one.file.rpartition("/")[2] for one in watch.statements}
    return lint.told(path for path in step.files if path.stem in ran)
