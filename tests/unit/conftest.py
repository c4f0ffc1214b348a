"""AWS clients that answer what a test has queued, and folders of small notebooks."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import Any

import pytest
from botocore.session import Session
from botocore.stub import Stubber
from moto import mock_aws

from cruddur_ops import aws, locks
from cruddur_ops.aws import sessions
from cruddur_ops.network import groups
from cruddur_ops.rds import instances
from cruddur_ops.rds.instances import Instance
from cruddur_ops.target import Target
from tests.unit.headless import WAIT, Project, Running, finish, until

ACCOUNT = "123456789012"  # moto's
Stub = Callable[[Target, str], Stubber]


@pytest.fixture(autouse=True)
def unlocked(monkeypatch: pytest.MonkeyPatch) -> None:
    """No target is locked: that needs AWS, or a database."""
    monkeypatch.setattr(locks, "_lock", lambda *_: nullcontext(locks.Hold()))


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stub]:
    """Queue answers for a target's client; botocore checks them, and the requests, against its models."""
    aws._client.cache_clear()
    monkeypatch.setattr(sessions, "session", _session)
    monkeypatch.setattr(aws, "_identities", {("", ("", ""), ""): {"Account": ACCOUNT}})
    with ExitStack() as stack:
        yield lambda target, service: stack.enter_context(Stubber(aws.client(target, service)))
    aws._client.cache_clear()


@functools.cache
def _session(*_: object) -> Session:
    """A session that all tests share: it has read botocore's models, which takes seconds."""
    made = Session()
    made.set_credentials("test", "test")
    return made


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Credentials of an account, whose number this is."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")  # 1,300, which no test asks for
    aws.forget()
    with mock_aws():
        yield ACCOUNT
    aws.forget()


@pytest.fixture
def manager(account: str) -> Any:
    """A Secrets Manager without secrets."""
    return aws.client(Target("test", account_id=account), "secretsmanager")


@pytest.fixture
def region(monkeypatch: pytest.MonkeyPatch) -> dict[str, Instance]:
    """The DB instances that RDS describes, by their identifiers; there is no security group of the runbook."""
    found: dict[str, Instance] = {}
    monkeypatch.setattr(instances, "describe", lambda target: found.get(target.db_instance_identifier))
    monkeypatch.setattr(instances, "describe_all", lambda _: dict(found))
    monkeypatch.setattr(groups, "describe", lambda *_: None)
    return found


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
