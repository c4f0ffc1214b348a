"""Work that goes on beside a block of code."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def beside(work: Callable[[threading.Event], object]) -> Iterator[None]:
    """Do it in a thread as long as the block runs, and wait for its end.

    Args:
        work: is given the event that says that the block has ended.
    """
    over = threading.Event()
    thread = threading.Thread(target=work, args=(over,), daemon=True)
    try:
        thread.start()
        yield
    finally:
        over.set()
        if thread.is_alive():  # else an interrupt came as it was started
            thread.join()
