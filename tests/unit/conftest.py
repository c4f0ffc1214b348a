"""AWS clients that answer what a test has queued, and folders of small notebooks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from botocore.stub import Stubber

from cruddur_ops import aws
from cruddur_ops.targets import Target
from tests.unit.headless import WAIT, Project, Running, finish, until

Stub = Callable[[Target, str], Stubber]


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stub]:
    """Queue answers for a target's client; botocore checks them, and the requests, against its models."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    aws.forget()
    with ExitStack() as stack:
        yield lambda target, service: stack.enter_context(Stubber(aws.client(target, service)))
    aws.forget()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project without notebooks yet."""
    return Project(tmp_path)


@pytest.fixture
def waiting(project: Project) -> Iterator[tuple[Project, Running]]:
    """A run whose first notebook waits in its second cell."""
    project.write("00_first", "x = 1", WAIT)
    project.write("01_second")
    process = project.start("run", "--target", "plain")
    started = project.folder / "notebooks" / "started"
    until(lambda: process.poll() is not None or (started.exists() and started.read_text()))
    yield project, Running(process, int(started.read_text()))
    process.kill()
    finish(process)
