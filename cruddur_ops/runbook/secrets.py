"""The secrets that kernels came to know: told to the runner through pipes, so that it masks them in what it writes and joins."""

from __future__ import annotations

import threading
from multiprocessing.connection import Connection, wait
from typing import Any

from cruddur_ops import redaction

ENCODING = ("utf-8", "surrogatepass")
_pipes: set[Connection[Any, Any]] = set()
_turn = threading.Lock()


def tell(pipe: Connection[Any, Any]) -> None:
    """Let whoever reads this pipe know each secret before anything with it can leave this process."""
    redaction.listen(lambda secret: pipe.send_bytes(secret.encode(*ENCODING)))


def follow(pipe: Connection[Any, Any]) -> None:
    """Remember what comes from this pipe, until its writer is gone."""
    _pipes.add(pipe)
    threading.Thread(target=_work, args=(pipe,), daemon=True).start()


def _work(pipe: Connection[Any, Any]) -> None:
    while pipe in _pipes:
        wait([pipe])
        catch_up()


def catch_up() -> None:
    """Remember all that was told by now."""
    with _turn:
        for pipe in tuple(_pipes):
            try:
                while pipe.poll():
                    redaction.remember(pipe.recv_bytes().decode(*ENCODING))
            except (EOFError, OSError):
                _pipes.discard(pipe)
                pipe.close()
