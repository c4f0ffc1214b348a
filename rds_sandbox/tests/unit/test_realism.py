"""What is answered late, and until when: with a clock that the tests turn, and a seed."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest
from werkzeug.wrappers import Response

from rds_sandbox import realism
from rds_sandbox.realism import Realism, read_call
from rds_sandbox.signatures import Refused

FORM, JSON = "application/x-www-form-urlencoded", "application/x-amz-json-1.1"


@dataclass
class Aws:
    """A realistic AWS of one value, which any write sets."""

    late: Realism
    value: str = "old"

    def call(self, service: str, body: bytes, **environ: str) -> str:
        """What is answered."""
        given = {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body)), "REQUEST_METHOD": "POST", "PATH_INFO": "/"}
        call = read_call({**given, **environ}, "ca-central-1", service)
        return self.late.respond(call, lambda: Response(self._answer(call.reads))).get_data(as_text=True)

    def _answer(self, reads: bool) -> str:
        self.value = self.value if reads else "sg-0123456789abcdef0"
        return self.value

    def query(self, service: str, action: str, **parameters: str) -> str:
        """By the protocol of RDS and EC2."""
        return self.call(service, urlencode({"Action": action, **parameters}).encode(), CONTENT_TYPE=FORM)

    def parameter(self, action: str, **parameters: Any) -> str:
        """By that of Systems Manager."""
        return self.call("ssm", json.dumps(parameters).encode(), CONTENT_TYPE=JSON, HTTP_X_AMZ_TARGET=f"AmazonSSM.{action}")

    def rest(self, service: str, method: str, path: str) -> str:
        """By that of Lambda."""
        return self.call(service, b"{}", REQUEST_METHOD=method, PATH_INFO=path)


Turn = Callable[[float], None]


@pytest.fixture
def turn(monkeypatch: pytest.MonkeyPatch) -> Turn:
    """Turn the clock on by seconds."""
    now = [1000.0]
    monkeypatch.setattr("rds_sandbox.realism.time.monotonic", lambda: now[0])

    def turn(seconds: float) -> None:
        now[0] += seconds

    return turn


@pytest.fixture
def aws(turn: Turn, monkeypatch: pytest.MonkeyPatch) -> Aws:
    """One whose times are AWS's own, and where nothing else goes wrong."""
    for name in ("THROTTLED", "LOST", "LOST_READ"):
        monkeypatch.setattr(realism, name, 0)
    return Aws(Realism(1, 1.0))


def test_a_read_lags_behind_the_first_write_that_is_not_seen_yet(aws: Aws, turn: Turn) -> None:
    """It answers as before, for some seconds at most; never as before a write that had been seen."""
    assert "old" == aws.query("rds", "DescribeDBInstances")
    turn(1)
    written = aws.query("rds", "ModifyDBInstance")
    assert "old" == aws.query("rds", "DescribeDBInstances")
    turn(realism.LAGS["rds"])
    assert written == aws.query("rds", "DescribeDBInstances")
    aws.query("rds", "ModifyDBInstance")
    assert written == aws.query("rds", "DescribeDBInstances")


def test_what_nobody_has_asked_for_is_answered_as_it_is(aws: Aws) -> None:
    """Nothing is known of how it was before."""
    written = aws.query("rds", "ModifyDBInstance")
    assert written == aws.query("rds", "DescribeDBInstances", DBInstanceIdentifier="a")


def test_the_index_of_tags_lags_behind_all_services(aws: Aws, turn: Turn) -> None:
    """By minutes; the service itself knows sooner."""
    aws.call("tagging", b"{}", HTTP_X_AMZ_TARGET="Tagging.GetResources")
    turn(1)
    written = aws.query("iam", "CreateRole")
    turn(realism.LAGS["iam"])
    assert written == aws.query("iam", "GetRole")
    assert "old" == aws.call("tagging", b"{}", HTTP_X_AMZ_TARGET="Tagging.GetResources")
    turn(realism.LAGS["tagging"])
    assert written == aws.call("tagging", b"{}", HTTP_X_AMZ_TARGET="Tagging.GetResources")


def test_ec2_does_not_know_at_once_what_it_has_made(aws: Aws, turn: Turn) -> None:
    """Who names it is told that there is no such group."""
    made = aws.query("ec2", "CreateSecurityGroup")
    with pytest.raises(Refused) as refused:
        aws.query("ec2", "AuthorizeSecurityGroupIngress", GroupId=made)
    assert "InvalidGroup.NotFound" == refused.value.code
    turn(realism.LAGS["ec2"])
    aws.query("ec2", "AuthorizeSecurityGroupIngress", GroupId=made)


def test_a_new_role_is_a_stranger_elsewhere(aws: Aws, turn: Turn) -> None:
    """Lambda and EventBridge Scheduler, each in its own words."""
    aws.query("iam", "CreateRole")
    wanted = {
        "lambda": ("/2015-03-31/functions", "InvalidParameterValueException"),
        "scheduler": ("/schedules/stop", "ValidationException"),
    }
    for service, (path, code) in wanted.items():
        with pytest.raises(Refused) as refused:
            aws.rest(service, "POST", path)
        assert code == refused.value.code
    turn(realism.LAGS["iam"])
    aws.rest("lambda", "POST", "/2015-03-31/functions")


def test_the_name_of_a_deleted_parameter_stays_taken(aws: Aws, turn: Turn) -> None:
    """For 30 seconds; to overwrite is none of it."""
    aws.parameter("DeleteParameter", Name="/a")
    for _ in range(2):
        with pytest.raises(Refused):
            aws.parameter("PutParameter", Name="/a")
        turn(14)
    aws.parameter("PutParameter", Name="/b")
    turn(2)
    aws.parameter("PutParameter", Name="/a")


def test_an_answer_is_lost_after_the_work_was_done(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection ends; the value is written."""
    monkeypatch.setattr(realism, "LOST", 1)
    with pytest.raises(ConnectionAbortedError):
        aws.query("rds", "ModifyDBInstance")
    assert "old" != aws.value


def test_a_seed_repeats_what_goes_wrong(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """Call by call; another seed draws something else."""
    monkeypatch.setattr(realism, "THROTTLED", 0.3)

    def throttled(seed: int) -> list[bool]:
        one = Aws(Realism(seed, 1.0))
        found = []
        for _ in range(30):
            try:
                found.append(bool(one.query("ec2", "DescribeVpcs")))
            except Refused:
                found.append(False)
        return found

    assert throttled(1) == throttled(1) != throttled(2)


def test_an_emptied_sandbox_remembers_nothing(aws: Aws, turn: Turn) -> None:
    """What was there before is no answer any more."""
    aws.query("rds", "DescribeDBInstances")
    turn(1)
    written = aws.query("rds", "ModifyDBInstance")
    aws.late.forget()
    assert written == aws.query("rds", "DescribeDBInstances")
