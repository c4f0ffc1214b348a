"""What the ledger of a run holds of its calls to AWS."""

from __future__ import annotations

from pathlib import Path

import pytest

from cruddur_ops import ledger
from cruddur_ops.errors import AccessDenied

ANSWER = {"ResponseMetadata": {"RequestId": "request-1", "HTTPStatusCode": 200, "RetryAttempts": 0}}


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the run wants its ledger."""
    monkeypatch.setenv(ledger.VARIABLE, str(tmp_path / "ledger.jsonl"))
    return tmp_path / "ledger.jsonl"


def test_a_mutating_call_is_recorded_with_its_request_id(path: Path) -> None:
    """So that it can be found in CloudTrail."""
    ledger.record("rds", "CreateDBInstance", ANSWER)
    (line,) = ledger.read(path)
    expected = {
        "call": "rds:CreateDBInstance",
        "request_id": "request-1",
        "status": 200,
        "error": None,
        "retries": 0,
        "mutating": True,
    }
    assert expected == {name: value for name, value in line.items() if name != "time"}


def test_what_was_changed_is_known_without_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """What AWS refused changed nothing; what it gave no answer to may have been done."""
    monkeypatch.delenv(ledger.VARIABLE, raising=False)
    moment = ledger.mark()
    refused = {"Error": {"Code": "AccessDenied"}, "ResponseMetadata": {"HTTPStatusCode": 403}}
    for operation, answer in (("DescribeDBInstances", ANSWER), ("DeleteDBInstance", refused)):
        ledger.record("rds", operation, answer)
    assert "nothing was changed" == ledger.since(moment)
    ledger.record("rds", "ModifyDBInstance", ANSWER)
    ledger.record("rds", "StopDBInstance", {"Error": {"Code": "ReadTimeoutError"}})
    assert "before that was changed: rds:ModifyDBInstance, rds:StopDBInstance" == ledger.since(moment)


def test_a_call_that_only_reads_is_not_worth_a_line(path: Path) -> None:
    """Unless it had to be repeated."""
    for operation in ("DescribeDBInstances", "AdminGetUser", "FilterLogEvents"):
        ledger.record("any", operation, ANSWER)
    ledger.record("sts", "GetCallerIdentity", {"ResponseMetadata": {"RetryAttempts": 2}})
    assert [("sts:GetCallerIdentity", 2, False)] == [
        (line["call"], line["retries"], line["mutating"]) for line in ledger.read(path)
    ]


def test_a_refusal_is_recorded_with_its_code(path: Path) -> None:
    """An attempt to change something counts, whatever came of it."""
    ledger.record("rds", "StopDBInstance", {"Error": {"Code": "InvalidDBInstanceState"}})
    assert ["InvalidDBInstanceState"] == [line["error"] for line in ledger.read(path)]


def test_a_line_cut_off_by_a_kill_is_left_out(path: Path) -> None:
    """The others can still be read."""
    ledger.record("rds", "StopDBInstance", ANSWER)
    with path.open("a") as file:
        file.write('{"time": "2026-')
    assert ["rds:StopDBInstance"] == [line["call"] for line in ledger.read(path)]


def test_without_a_run_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A verb on the command line or a notebook in JupyterLab keeps no ledger."""
    monkeypatch.delenv(ledger.VARIABLE, raising=False)
    ledger.record("rds", "CreateDBInstance", ANSWER)
    assert [] == ledger.read(tmp_path / "ledger.jsonl")


def test_a_denial_tells_what_was_changed_before_it() -> None:
    """Since the outermost beginning, once: in the middle of a rehearsal a step may have changed nothing, and there is a copy."""
    with pytest.raises(AccessDenied, match=r"^AWS denies x; before that was changed: a copy, a lock$"), ledger.told():
        ledger.changed("a copy")
        with ledger.told():
            ledger.changed("a lock")
            with ledger.told():
                raise AccessDenied("AWS denies x")
