"""The README shows what really happens."""

from __future__ import annotations

from tests.notebooks.conftest import CommandLine
from tests.notebooks.transcript import committed, settled, shown


def test_the_transcript_is_that_of_a_first_run(alone: CommandLine) -> None:
    """All but seconds, date and seal; where it is not: `python -m tests.notebooks.transcript`."""
    finished = alone.run("run")
    assert 0 == finished.code, finished
    assert settled(committed()) == settled(shown(finished.stderr, finished.stdout, alone.folder))
