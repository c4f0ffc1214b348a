"""Python's collector of garbage, left aside while much is made that stays: it would look through all of that again and again."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


def settle() -> None:
    """Leave aside for good what there is, which stays, and look seldom through what comes: hardly any of that is garbage."""
    gc.freeze()
    gc.set_threshold(50_000)


@contextmanager
def uncollected() -> Iterator[None]:
    """Collect nothing meanwhile."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()
