"""Work that is done while the cells run, so that nobody waits for it at the end."""

import threading
from collections.abc import Callable
from queue import SimpleQueue

Task = Callable[[], object]


class Background:
    """A thread that does one task after the other; the process does not wait for it."""

    def __init__(self, after: threading.Event) -> None:
        """Begin after this event: what comes before it needs the processors."""
        self.tasks: SimpleQueue[Task | None] = SimpleQueue()
        self.after = after
        self.thread = threading.Thread(target=self._work, daemon=True)
        self.thread.start()

    def do(self, task: Task) -> None:
        """Have this done, too."""
        self.tasks.put(task)

    def finish(self, seconds: float) -> None:
        """Wait until all is done, but not longer than this."""
        self.tasks.put(None)
        self.after.set()
        self.thread.join(seconds)

    def _work(self) -> None:
        self.after.wait()
        while task := self.tasks.get():
            task()
