"""A program in the foreground of the terminal, whose place this process keeps until it has ended."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Mapping, Sequence
from types import FrameType

# The terminal sends these to every process in the foreground: they mean the program.
OF_THE_TERMINAL = (signal.SIGINT, signal.SIGQUIT)
PASSED_ON = (signal.SIGTERM, signal.SIGHUP)


def run(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a program to its end and return its exit code, as a shell would: 128 and the signal that ended it.

    A signal to this process does not end it before the program: what was made for the program can be taken away.
    """
    program: subprocess.Popen[bytes] | None = None

    def pass_on(number: int, _: FrameType | None) -> None:
        if program and number in PASSED_ON:
            program.send_signal(number)

    before = {number: signal.signal(number, pass_on) for number in (*OF_THE_TERMINAL, *PASSED_ON)}
    try:
        program = subprocess.Popen(command, env=environment)
        code = program.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return code if code >= 0 else 128 - code
