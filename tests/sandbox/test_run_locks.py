"""The lock of a run in AWS: who holds it is told, a dead or silent holder is followed, a lost lock ends the run."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator, Mapping
from typing import Any

import psutil
import pytest

from cruddur_ops.errors import RunInProgress
from cruddur_ops.runbook import locks
from cruddur_ops.runbook.locks import parameter
from cruddur_ops.targets import Target
from tests.sandbox.support import make_client

NAME = "/cruddur-ops/lock/cruddur-db-instance"


@pytest.fixture
def ssm(sandbox: Mapping[str, str]) -> Iterator[Any]:
    """A plain client; no lock is left after the test."""
    ssm = make_client(sandbox, "ssm")
    yield ssm
    for one in ssm.describe_parameters()["Parameters"]:
        ssm.delete_parameter(Name=one["Name"])


def held(ssm: Any) -> list[str]:
    """The names of the locks that there are."""
    return [one["Name"] for one in ssm.describe_parameters()["Parameters"]]


def hold(ssm: Any, **others: Any) -> None:
    """Hold the lock as another run would."""
    holder = {"token": "other", "who": "arn:aws:iam::1:user/ann", "host": "elsewhere", "pid": 7, "began": 1.0}
    holder |= {"since": "2026-01-02 03:04:05+00:00", "notebooks": ["01_provision_rds"], **others}
    ssm.put_parameter(Name=NAME, Value=json.dumps(holder), Type="String", Overwrite=bool(held(ssm)))


def test_a_run_holds_a_tagged_parameter(target: Target, ssm: Any) -> None:
    """It says who, where and since when; it is gone afterwards."""
    with parameter.held(target, ["01_provision_rds"]):
        holder = json.loads(ssm.get_parameter(Name=NAME)["Parameter"]["Value"])
        tags = ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=NAME)["TagList"]
    assert holder["who"].startswith("arn:aws:sts::")
    assert {"token", "who", "host", "pid", "began", "since", "notebooks"} == holder.keys()
    assert {"Key": "ManagedBy", "Value": "cruddur-ops"} in tags
    assert [] == held(ssm)


def test_the_second_is_told_who_holds_it(target: Target, ssm: Any) -> None:
    """And takes nothing away."""
    hold(ssm)
    told = r"ann on elsewhere, process 7, since 2026-01-02 03:04:05\+00:00, notebooks 01_provision_rds\): wait until"
    with pytest.raises(RunInProgress, match=told), parameter.held(target, []):
        pass
    assert [NAME] == held(ssm)


def test_the_lock_of_a_dead_process_is_taken_over(target: Target, ssm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the same machine a process that is gone, or whose number was given away again, holds nothing."""
    monkeypatch.setattr(parameter, "SETTLE", 0)
    gone = subprocess.Popen(["true"])
    gone.wait()
    for pid, began in ((gone.pid, 1.0), (psutil.Process().pid, 1.0)):
        hold(ssm, host=parameter.process()["host"], pid=pid, began=began)
        with parameter.held(target, []):
            assert "other" not in ssm.get_parameter(Name=NAME)["Parameter"]["Value"]


def test_a_silent_holder_is_followed(target: Target, ssm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who gave no sign of life for five minutes, by AWS's clock, wherever it ran."""
    monkeypatch.setattr(parameter, "SETTLE", 0)
    monkeypatch.setattr(parameter, "STALE", -1)
    hold(ssm)
    with parameter.held(target, []):
        assert "other" not in ssm.get_parameter(Name=NAME)["Parameter"]["Value"]


def test_of_two_that_take_over_one_wins(target: Target, ssm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever finds the other's name after a moment lets it have the lock."""
    monkeypatch.setattr(parameter, "STALE", -1)
    monkeypatch.setattr("time.sleep", lambda _: hold(ssm, who="the winner"))
    hold(ssm)
    with pytest.raises(RunInProgress, match="the winner"), parameter.held(target, []):
        pass
    assert [NAME] == held(ssm)


def test_a_sign_of_life_renews_the_lock(target: Target, ssm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has been followed meanwhile is interrupted, and leaves the other's lock alone."""
    own = {"token": "own", "who": "me", **parameter.process(), "since": "now", "notebooks": []}
    parameter.take(target, own)
    before = ssm.get_parameter(Name=NAME)["Parameter"]
    assert "" == parameter.renew(target, own)
    after = ssm.get_parameter(Name=NAME)["Parameter"]
    assert (before["Value"], before["Version"] + 1) == (after["Value"], after["Version"])
    hold(ssm, who="the next")
    assert "the next" in parameter.renew(target, own)
    monkeypatch.setattr(locks, "RENEWAL", 0)
    with pytest.raises(KeyboardInterrupt), locks.renewed(lambda: parameter.renew(target, own)):
        signal.pause()
    parameter.free(target, own)
    assert [NAME] == held(ssm)
