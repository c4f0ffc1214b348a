"""A first run, where no sandbox is up: it has one of its own, and the README shows what really happens."""

from __future__ import annotations

import pytest

from tests.notebooks.conftest import CommandLine
from tests.notebooks.transcript import committed, settled, shown
from tests.unit.headless import Finished


@pytest.fixture(scope="module")
def ops(tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    """The command line where no sandbox is up."""
    return CommandLine(tmp_path_factory.mktemp("first"))


@pytest.fixture(scope="module")
def finished(ops: CommandLine) -> Finished:
    """The run, in a process of its own."""
    return ops.finish(ops.start("run"))


def test_the_transcript_is_that_of_a_first_run(ops: CommandLine, finished: Finished) -> None:
    """All but seconds, date and seal; where it is not: `python -m tests.notebooks.transcript`."""
    assert 0 == finished.code, finished
    assert settled(committed()) == settled(shown(finished.stderr, finished.stdout, ops.folder))


def test_it_has_a_sandbox_of_its_own(ops: CommandLine, finished: Finished) -> None:
    """All is created in one that is gone afterwards; 00 creates nothing."""
    assert "this run has its own" in finished.stderr
    created = [notebook["outcome"]["created"] for notebook in ops.record(finished)["notebooks"]]
    assert [False, True, True, True] == [count > 0 for count in created[:4]]
    assert [] == ops.kernels()
