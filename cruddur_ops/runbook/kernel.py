"""`python -m cruddur_ops.runbook.kernel -f FILE`: ipykernel, which keeps secrets out of all that it sends."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from cruddur_ops import redaction


def start(arguments: Sequence[str]) -> None:
    """Serve until a request or a signal ends it.

    Args:
        arguments: those of ipykernel.
    """
    from ipykernel.kernelapp import IPKernelApp

    kernel: Any = IPKernelApp.instance()
    kernel.initialize(list(arguments))
    redaction.remember_environment()
    redaction.guard(kernel.session)
    kernel.start()


if __name__ == "__main__":
    start(sys.argv[1:])
