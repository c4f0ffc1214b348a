"""What runs at a time on Dask's workers: started, waited for, and interrupted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cruddur_ops.errors import RunInterrupted
from cruddur_ops.fleet import worker
from cruddur_ops.fleet.order import Order, Report

if TYPE_CHECKING:
    from distributed import Client

NOT_STARTED = "not started"
LOST = "the scheduler is gone, and what its workers run ends with it"
ENDING_SECONDS = worker.GRACE + 10
Task = Callable[[Order], Report]


@dataclass
class Window:
    """So many orders at a time on Dask's workers."""

    client: Client
    most: int
    task: Task
    running: dict[Any, Order] = field(default_factory=dict)  # by Dask's future
    stop: str = ""  # why no more are started

    def run(self, orders: Sequence[Order]) -> Iterator[Report]:
        """The reports as they come. Once there is a reason to stop, what runs is finished, and nothing more is started."""
        from distributed import as_completed

        left = iter(orders)
        done = as_completed(self._started(left, self.most), loop=self.client.loop)
        for future in done:
            yield self._result(future)
            for further in self._started(left, 1):
                done.add(further)
        yield from (Report(order.target, NOT_STARTED, self.stop) for order in left)

    def _started(self, left: Iterator[Order], most: int) -> list[Any]:
        found: list[Any] = []
        while len(found) < most and not self.stop and (order := next(left, None)):
            found.append(self.client.submit(self.task, order, pure=False))
            self.running[found[-1]] = order
        return found

    def _result(self, future: Any) -> Report:
        """What came back; a worker that fails, or is lost again and again, is the target's failure; a lost scheduler ends all."""
        from distributed import CancelledError, KilledWorker

        order = self.running.pop(future)
        try:
            report: Report = future.result()
        except (KilledWorker, OSError) as error:
            if future.status == "error":
                return Report(order.target, "failed", f"its worker could not run it ({error}): see to that machine, then resume")
            raise RunInterrupted(LOST) from error
        except CancelledError as error:
            raise RunInterrupted(LOST) from error
        return report

    def interrupted(self) -> Iterator[Report]:
        """Let all that runs end as after Ctrl-C."""
        from distributed import as_completed

        with suppress(OSError, TimeoutError, RunInterrupted):
            if self.running:
                self.client.run(worker.interrupt_all)
            for future in as_completed(list(self.running), loop=self.client.loop, timeout=ENDING_SECONDS):
                yield self._result(future)
