"""Work that goes on beside a block of code."""

from __future__ import annotations

import threading

import pytest

from cruddur_ops import threads


@pytest.mark.parametrize("after", [True, False], ids=["after its start", "before"])
def test_an_interrupt_as_the_thread_is_started_ends_it(monkeypatch: pytest.MonkeyPatch, after: bool) -> None:
    """Else the work goes on, on what the block has closed: the renewal of a lock interrupted what came later."""
    start, told = threading.Thread.start, []

    def interrupted(thread: threading.Thread) -> None:
        if after:
            start(thread)
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "start", interrupted)
    with pytest.raises(KeyboardInterrupt), threads.beside(lambda over: told.append(over.wait(5))):
        pass
    assert told == [True] * after
