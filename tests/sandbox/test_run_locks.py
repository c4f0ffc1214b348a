"""The lock of a run in AWS: who holds it is told, a dead or silent holder is followed, a lost lock ends the run."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psutil
import pytest

from cruddur_ops import locks
from cruddur_ops.errors import RunInProgress
from cruddur_ops.locks import parameter
from cruddur_ops.locks.parameter import Lock
from cruddur_ops.target import Target
from rds_sandbox import Sandbox
from tests.sandbox.support import make_client

NAME = "/cruddur-ops/lock/cruddur-db-instance"


@pytest.fixture
def ssm(target: Target, sandbox: Mapping[str, str]) -> Any:
    """A plain client, of a sandbox without locks."""
    return make_client(sandbox, "ssm")


def read(ssm: Any) -> Any:
    """What the parameter says."""
    return json.loads(ssm.get_parameter(Name=NAME)["Parameter"]["Value"])


def holder(**others: Any) -> dict[str, Any]:
    """Another run, of another machine unless told otherwise."""
    one = {"token": "other", "who": "arn:aws:iam::1:user/ann", "host": "elsewhere", "pid": 7, "began": 1.0}
    return one | {"since": "2026-01-02 03:04:05+00:00", "doing": "run of 01_provision_rds", **others}


def hold(ssm: Any, after: int, **others: Any) -> None:
    """Hold the lock as another run would that has read this version last."""
    value = json.dumps({"after": after, "by": "other", "holder": holder(**others)})
    ssm.put_parameter(Name=NAME, Value=value, Type="String", Overwrite=True)


def own(token: str = "own") -> dict[str, Any]:
    """A holder on a machine of its own."""
    return {"token": token, "who": "me", **parameter.process(), "host": f"that of {token}", "since": "now", "doing": ""}


def test_a_run_holds_a_tagged_parameter(target: Target, ssm: Any) -> None:
    """It says who, where and since when; afterwards nobody holds it."""
    with parameter.held(target, "run of 01_provision_rds"):
        found = read(ssm)["holder"]
        tags = ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=NAME)["TagList"]
    assert found["who"].startswith("arn:aws:iam::")
    assert {"token", "who", "host", "pid", "began", "since", "doing"} == found.keys()
    assert {"Key": "ManagedBy", "Value": "cruddur-ops"} in tags
    assert read(ssm)["holder"] is None
    with parameter.held(target, ""):
        assert found["token"] != read(ssm)["holder"]["token"]


def test_the_second_is_told_who_holds_it(target: Target, ssm: Any) -> None:
    """And takes nothing away."""
    hold(ssm, 0)
    told = r"ann on elsewhere, process 7, since 2026-01-02 03:04:05\+00:00: run of 01_provision_rds\): wait until"
    with pytest.raises(RunInProgress, match=told), parameter.held(target, ""):
        pass
    assert "other" == read(ssm)["holder"]["token"]


def test_what_was_written_after_a_late_read_does_not_count(target: Target, ssm: Any) -> None:
    """Whoever reads it looks at the version before; the holder goes on, and frees it in the end."""
    lock = Lock(target, own())
    lock.take()
    hold(ssm, 0)
    with pytest.raises(RunInProgress, match="me on "):
        Lock(target, own("third")).take()
    assert "" == lock.renew()
    assert "own" == read(ssm)["holder"]["token"]
    hold(ssm, 0)
    lock.free()
    assert read(ssm)["holder"] is None


def test_the_lock_of_a_dead_process_is_taken_over(target: Target, ssm: Any) -> None:
    """On the same machine a process that is gone, or whose number was given away again, holds nothing."""
    gone = subprocess.Popen(["true"])
    gone.wait()
    for pid in (gone.pid, psutil.Process().pid):
        last = ssm.get_parameters(Names=[NAME])["Parameters"]
        hold(ssm, last[0]["Version"] if last else 0, host=parameter.process()["host"], pid=pid)
        with parameter.held(target, ""):
            assert "other" != read(ssm)["holder"]["token"]


def test_a_silent_holder_is_followed(target: Target, ssm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who gave no sign of life for five minutes, by AWS's clock, wherever it ran."""
    monkeypatch.setattr(parameter, "STALE", -1)
    hold(ssm, 0)
    with parameter.held(target, ""):
        assert "other" != read(ssm)["holder"]["token"]


def test_a_sign_of_life_renews_the_lock(target: Target, ssm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has been followed meanwhile is interrupted, and leaves the other's lock alone."""
    lock = Lock(target, own())
    lock.take()
    before = ssm.get_parameter(Name=NAME)["Parameter"]["Version"]
    assert "" == lock.renew()
    assert before + 1 == ssm.get_parameter(Name=NAME)["Parameter"]["Version"]
    hold(ssm, before + 1, who="the next")
    assert "the next" in lock.renew()
    monkeypatch.setattr(locks, "RENEWAL", 0)
    with pytest.raises(KeyboardInterrupt), locks.renewed(lock.renew):
        signal.pause()
    lock.free()
    with pytest.raises(RunInProgress, match="the next"):
        Lock(target, own("third")).take()


@pytest.fixture
def late(rds_sandbox: Sandbox, ssm: Any) -> Iterator[None]:
    """SSM reads late, is throttled, loses answers, and refuses the name of a deleted parameter for a second."""
    ssm.put_parameter(Name=NAME, Value="{}", Type="String")
    rds_sandbox.simulate("realistic", seed=3)
    ssm.delete_parameter(Name=NAME)
    yield
    rds_sandbox.simulate("ideal")


@pytest.mark.usefixtures("late")
def test_a_process_follows_itself_at_once(target: Target) -> None:
    """Though it still reads that it holds what it has freed."""
    for _ in range(3):
        with parameter.held(target, ""):
            pass


@pytest.mark.usefixtures("late")
def test_of_many_at_once_no_two_hold_it(target: Target) -> None:
    """Each gets it in the end, whatever is read late, and whoever's answer is lost."""
    inside, most, turn = 0, 0, threading.Lock()

    def run(number: int) -> None:
        nonlocal inside, most
        lock = Lock(target, own(str(number)))
        while True:
            try:
                lock.take()
                break
            except RunInProgress:
                time.sleep(0.01)
        with turn:
            inside, most = inside + 1, max(most, inside + 1)
        time.sleep(0.05)
        assert "" == lock.renew()
        with turn:
            inside -= 1
        lock.free()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(run, range(4)))
    assert (0, 1) == (inside, most)
