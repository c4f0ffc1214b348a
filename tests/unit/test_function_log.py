"""What is shown of the function's log."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cruddur_ops.cognito import logs
from cruddur_ops.cognito.logs import Tail
from cruddur_ops.errors import NotFound
from cruddur_ops.target import Target
from tests.unit.conftest import Stub

TARGET = Target("test")
START = "START RequestId: 1 Version: $LATEST\n"
REPORT = "REPORT RequestId: 1\tDuration: 9.1 ms\n"


def line(**members: Any) -> str:
    """A line of the handler's."""
    return json.dumps({"request": "1", "milliseconds": 9, **members})


def test_what_differs_from_run_to_run_is_not_shown() -> None:
    """Ids, times and Lambda's own lines."""
    tail = Tail((START, line(level="INFO", message="row inserted"), "END RequestId: 1", REPORT))
    assert "INFO, row inserted" == repr(tail)


def test_an_error_is_shown_with_its_reason() -> None:
    """And other people's lines as they are."""
    said = line(level="ERROR", message="the user has no row", error="HandleTaken", reason="users_lower_handle")
    expected = ["ERROR, the user has no row, HandleTaken, users_lower_handle", "[1, 2]", "Task timed out"]
    assert expected == list(logs.lines([said, "[1, 2]", "Task timed out"]))


def test_the_tail_waits_for_the_end_of_the_invocation(stub: Stub) -> None:
    """Lines arrive one after the other."""
    answers = stub(TARGET, "logs")
    answers.add_client_error("filter_log_events", "ResourceNotFoundException")
    answers.add_response("filter_log_events", {"events": [{"message": START}]})
    answers.add_response("filter_log_events", {"events": [{"message": START}, {"message": REPORT}]})
    assert (START.strip(), REPORT.strip()) == logs.tail(TARGET, 0).messages


def test_a_silent_function_is_an_error(stub: Stub) -> None:
    """Cognito has not called it."""
    stub(TARGET, "logs").add_response("filter_log_events", {"events": []})
    with pytest.raises(NotFound, match="has no finished invocation"):
        logs.tail(TARGET, 0, timeout=0)
