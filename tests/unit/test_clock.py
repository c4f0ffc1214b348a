"""A clock that is wrong, or is set meanwhile: no wait, no lock and no moment in the past depends on it."""

from __future__ import annotations

import os
import re
import subprocess
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import SimpleNamespace

import psutil
import pytest

from cruddur_ops import aws, state
from cruddur_ops.errors import NoCredentials
from cruddur_ops.runbook.evidence.history import verdict
from cruddur_ops.runbook.evidence.surroundings import surroundings

MODEL = SimpleNamespace(service_model=SimpleNamespace(signing_name="rds"), name="DescribeDBInstances")


def test_no_wait_goes_by_the_time_of_day() -> None:
    """Deadlines are monotonic."""
    sources = {path.name: path.read_text() for path in (state.PROJECT / "cruddur_ops").rglob("*.py")}
    assert [] == [name for name, text in sources.items() if re.search(r"\btime\.time\(|from time import", text)]


@pytest.mark.skipif(not psutil.LINUX, reason="elsewhere the moment is kept as it was")
@pytest.mark.parametrize("hours", [-30, 30])
def test_a_process_is_the_same_once_the_clock_is_set(hours: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a run that goes on would be called killed, and its lock taken over."""
    record = {"verdict": "running", **surroundings()}
    before, then = state.began(os.getpid()), psutil.Process().create_time()
    boot = psutil.boot_time() + hours * 3600
    monkeypatch.setattr("psutil._pslinux.boot_time", lambda: boot)
    assert abs(psutil.Process().create_time() - then) > 3600
    assert (before, "running") == (state.began(os.getpid()), verdict(record))


def test_a_process_that_is_gone() -> None:
    """Or whose number another has now."""
    with subprocess.Popen(["true"]) as gone:
        pass
    record = {"verdict": "running", **surroundings()}
    assert state.began(gone.pid) is None
    assert ["killed"] * 2 == [verdict(record | changed) for changed in ({"process": gone.pid}, {"process_began": 1.0})]


@pytest.mark.parametrize(("hours", "said"), [(-2, "120 minutes ahead of"), (1, "60 minutes behind")])
@pytest.mark.parametrize("code", ["SignatureDoesNotMatch", "RequestExpired", "InvalidSignatureException"])
def test_a_wrong_clock_is_named(hours: int, said: str, code: str) -> None:
    """AWS refuses the signature; to sign in again would change nothing."""
    date = format_datetime(datetime.now(UTC) + timedelta(hours=hours))
    answer = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPHeaders": {"date": date}}}
    with pytest.raises(NoCredentials, match=f"this machine's clock is {said}.* set it"):
        aws._raise_denied(MODEL, answer)
