"""AWS clients that answer what a test has queued."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from botocore.stub import Stubber

from cruddur_ops import aws
from cruddur_ops.targets import Target

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
