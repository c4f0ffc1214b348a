"""The selector of the gateways' event loop: whoever only passes bytes on is served where he is found.

asyncio's own round for each event takes longer than to read a small message, and to send it on.
"""

import selectors
import time
from collections.abc import Callable

# What is called when there is something to read of a descriptor, beside asyncio's reader of it: whether asyncio has to go on now.
readers: dict[int, Callable[[], bool]] = {}


class PassingSelector(selectors.DefaultSelector):
    """Of all events it gives asyncio those that are not served here."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """As long as nobody but those who pass bytes on has anything."""
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            ready = super().select(timeout)
            others, goes_on = [], False
            for key, events in ready:
                read = readers.get(key.fd) if events == selectors.EVENT_READ else None
                if read is None:
                    others.append((key, events))
                elif read():
                    goes_on = True
            if others or goes_on or not ready:
                return others
            if end is not None:
                timeout = end - time.monotonic()
                if timeout <= 0:
                    return others
