"""Nothing of a function outlives its sandbox; and a client that nobody wrote for this project deploys one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest

from rds_sandbox import Sandbox, control, keeper, process
from rds_sandbox.state import read_record
from tests.functions import deploy, invoke, make_role, package, wanted
from tests.support import make_client, reset, wait_until

SOURCE = """
    import os, subprocess, time

    def handler(event, context):
        child = subprocess.Popen(["sleep", "600"])
        if event == "stay":
            time.sleep(600)
        return [os.getpid(), child.pid]
"""


@pytest.fixture
def up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[[], dict[str, Any]]]:
    """Starts a sandbox that is ended after the test; the answer is its record."""
    monkeypatch.setenv("RDS_SANDBOX_STATE_DIR", str(tmp_path))

    def start() -> dict[str, Any]:
        control.up("functions")
        record = read_record("functions")
        assert record is not None
        return record

    yield start
    control.down("functions")


def running(environment: Mapping[str, str]) -> list[int]:
    """A function's process and its child, once the function has answered; both are still there."""
    functions = make_client(environment, "lambda")
    role = make_role(make_client(environment, "iam"), "lasting")
    deploy(functions, wanted("lasting", role, environment["RDS_SANDBOX_LAMBDA_RUNTIME"], SOURCE, Timeout=900))
    found: list[int] = invoke(functions, "lasting")
    assert all(map(alive, found))
    return found


def alive(process: int) -> bool:
    """Whether it is there and no zombie."""
    return psutil.pid_exists(process) and not keeper.ended(psutil.Process(process))


def gone(processes: list[int]) -> bool:
    """Whether all end before long."""
    return wait_until(lambda: not any(map(alive, processes)))


def test_reset_and_down_end_functions(up: Callable[[], dict[str, Any]]) -> None:
    """Idle processes, those at work, and what they started."""
    environment = up()["environment"]
    first = running(environment)
    reset(environment)
    assert gone(first)
    second = running(environment)
    make_client(environment, "lambda").invoke(FunctionName="lasting", InvocationType="Event", Payload=b'"stay"')
    reset(environment)
    assert gone(second)
    third = running(environment)
    control.down("functions")

    assert gone(third)


def test_kill_9_leaves_no_function(up: Callable[[], dict[str, Any]]) -> None:
    """When the sandbox's process is killed outright, its functions end soon after."""
    record = up()
    processes = running(record["environment"])
    psutil.Process(record["pid"]).kill()

    assert gone(processes)
    assert wait_until(lambda: not Path(record["root"]).exists())


def test_next_up_ends_what_both_left(up: Callable[[], dict[str, Any]]) -> None:
    """Sandbox and keeper killed at once: the next `up` ends the functions."""
    record = up()
    processes = running(record["environment"])
    sandbox = psutil.Process(record["pid"])
    for doomed in [*(child for child in sandbox.children() if keeper.__name__ in str(child.cmdline())), sandbox]:
        doomed.kill()
    assert wait_until(lambda: not process.alive(record))
    up()

    assert gone(processes)


def test_aws_cli_deploys_and_invokes(sandbox: Mapping[str, str], tmp_path: Path) -> None:
    """The AWS CLI, from a clean environment: function, waiter, invocation, log."""
    reset(sandbox)
    (tmp_path / "function.zip").write_bytes(package(app="def handler(event, context): print('cli'); return event['word'] * 2"))
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **sandbox}

    def aws(*words: str) -> Any:
        command = [sys.executable, "-m", "awscli", *words]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, cwd=tmp_path, timeout=60)
        return json.loads(done.stdout) if done.stdout else {}

    role = make_role(make_client(sandbox, "iam"), "cli")
    options = ["--runtime", sandbox["RDS_SANDBOX_LAMBDA_RUNTIME"], "--handler", "app.handler", "--role", role]
    aws("lambda", "create-function", "--function-name", "cli", *options, "--zip-file", "fileb://function.zip")
    aws("lambda", "wait", "function-active-v2", "--function-name", "cli")
    answer = aws("lambda", "invoke", "--function-name", "cli", "--payload", '{"word": "ha"}', "answer.json")
    log = aws("logs", "filter-log-events", "--log-group-name", "/aws/lambda/cli")

    assert (200, "haha") == (answer["StatusCode"], json.loads((tmp_path / "answer.json").read_text()))
    assert "cli\n" in [event["message"] for event in log["events"]]


def test_operator_sees_functions_and_codes(rds_sandbox: Sandbox) -> None:
    """The status has how many execution environments there are, and the codes that Cognito would have sent."""
    rds_sandbox.reset()
    environment = rds_sandbox.environment
    assert [] == rds_sandbox.confirmation_codes()
    running(environment)
    idp = make_client(environment, "cognito-idp")
    pool = idp.create_user_pool(PoolName="codes", AutoVerifiedAttributes=["email"])["UserPool"]["Id"]
    client = idp.create_user_pool_client(UserPoolId=pool, ClientName="web")["UserPoolClient"]["ClientId"]
    email = [{"Name": "email", "Value": "bob@example.com"}]
    idp.sign_up(ClientId=client, Username="bob", Password="Passw0rd!", UserAttributes=email)
    [line] = rds_sandbox.confirmation_codes()
    shown = rds_sandbox.status()
    runtime = environment["RDS_SANDBOX_LAMBDA_RUNTIME"]

    assert ["SignUp", "bob", pool] == line.split()[1:]
    assert f"lasting (ca-central-1): {runtime}, 1 execution environments" in shown
    assert f"code              {line}" in shown


def test_services_are_loaded_when_they_are_used() -> None:
    """A sandbox without functions and user pools does not pay for them when it starts."""
    program = """
import os, sys
os.environ["MOTO_DISABLE_GLOBAL_CORS"] = "true"
from rds_sandbox import app, patches, server
patches.load("ec2")
patches.load("rds")
print(sorted(name for name in ("moto.awslambda", "moto.cognitoidp", "moto.logs", "moto.s3") if name in sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)

    assert "[]\n" == done.stdout
