"""Start, find and end sandboxes: one that stays up for this user, or a throwaway for one run."""

from __future__ import annotations

import html
import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from filelock import FileLock

from rds_sandbox import keeper
from rds_sandbox.errors import PostgresMissing, SandboxFailed, SandboxNotUp, WrongInput
from rds_sandbox.state import read_record, record_file, state_folder

START_SECONDS = 60


def up(name: str | None = None) -> bool:
    """Start the sandbox in the background; False where it was up already.

    Raises:
        PostgresMissing: no server programs are there to run.
        SandboxFailed: its process ended before it was ready.
    """
    with FileLock(f"{record_file(name)}.lock"):
        if alive(read_record(name)):
            return False
        log = record_file(name).with_suffix(".log")
        with log.open("wb") as output:
            process, record = _start(subprocess.DEVNULL, output)
        process.returncode = 0  # it outlives this program: nobody is to wait for it
        _write(record_file(name), record)
        return True


def down(name: str | None = None) -> bool:
    """End the sandbox and everything in it; False where none was up."""
    with FileLock(f"{record_file(name)}.lock"):
        record = read_record(name)
        record_file(name).unlink(missing_ok=True)
        if record is None or not alive(record):
            keeper.tidy_all()
            return False
        os.kill(record["pid"], signal.SIGTERM)
        _wait_until_gone(Path(record["root"]))
        return True


def environment(name: str | None = None) -> Mapping[str, str]:
    """The variables that let any AWS client and any Postgres client use the sandbox.

    Raises:
        SandboxNotUp: none is running.
    """
    variables = running(name)
    if not variables:
        raise SandboxNotUp("no sandbox is up: start it with `rds-sandbox up`")
    return variables


def running(name: str | None = None) -> Mapping[str, str]:
    """The same; empty where no sandbox is up."""
    record = read_record(name)
    return record["environment"] if record and alive(record) else {}


def exports(name: str | None = None) -> str:
    """The lines for `eval`: real credentials of the shell are put out of the way."""
    lines = ["unset AWS_PROFILE AWS_SESSION_TOKEN"]
    return "\n".join([*lines, *(f"export {key}={shlex.quote(value)}" for key, value in environment(name).items())])


def status(name: str | None = None) -> str:
    """What is in the sandbox, a line for each DB instance and each function.

    Raises:
        SandboxNotUp: none is running.
    """
    variables = environment(name)
    answer = json.loads(_request(variables, "GET", "/status"))
    lines = [
        f"AWS endpoint      {variables['AWS_ENDPOINT_URL']}",
        f"operator address  {answer['OperatorAddress']}",
        f"PostgreSQL        {answer['PostgreSQL']}",
        f"log               {record_file(name).with_suffix('.log')}",
    ]
    lines += [_instance_line(instance) for instance in answer["DBInstances"]]
    return "\n".join(lines + [_function_line(function) for function in answer["Functions"]])


def move_operator(address: str, name: str | None = None) -> None:
    """Give the operator another public address, as a VPN or another network would.

    Raises:
        WrongInput: it is no address.
        SandboxNotUp: none is running.
    """
    try:
        ip_address(address)
    except ValueError as error:
        raise WrongInput(f'"{address}" is no IP address: give one such as 198.51.100.7') from error
    _request(environment(name), "PUT", "/operator", {"Address": address})


def drill(path: str, members: Mapping[str, str], name: str | None = None) -> None:
    """Ask for what a drill needs, and AWS does in its own time.

    Raises:
        WrongInput: the sandbox refuses it.
        SandboxNotUp: none is running.
    """
    _request(environment(name), "PUT", path, members)


def _instance_line(instance: Mapping[str, Any]) -> str:
    endpoint = instance["Endpoint"]
    place = f"{endpoint['Address']}:{endpoint['Port']}" if endpoint else "no endpoint yet"
    name = f"{instance['DBInstanceIdentifier']} ({instance['Region']})"
    return f"DB instance       {name}: {instance['DBInstanceStatus']}, PostgreSQL {instance['EngineVersion']}, {place}"


def _function_line(function: Mapping[str, Any]) -> str:
    processes = f"{function['ExecutionEnvironments']} execution environments"
    return f"Function          {function['FunctionName']} ({function['Region']}): {function['Runtime']}, {processes}"


def confirmation_codes(name: str | None = None) -> str:
    """The codes that Cognito would have sent to users, a line for each.

    Raises:
        SandboxNotUp: none is running.
    """
    codes = json.loads(_request(environment(name), "GET", "/confirmation-codes"))["Codes"]
    return "\n".join(f"{code['Code']}  {code['Purpose']}  {code['Username']}  {code['UserPoolId']}" for code in codes)


@contextmanager
def throwaway() -> Iterator[Mapping[str, str]]:
    """A sandbox for the length of a `with`, whose variables are yielded; it ends with us in any case.

    Raises:
        PostgresMissing: no server programs are there to run.
        SandboxFailed: its process ended before it was ready.
    """
    with tempfile.TemporaryFile() as output:
        process, record = _start(subprocess.PIPE, output)
        try:
            yield record["environment"]
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(timeout=START_SECONDS)


def _start(standard_input: int, log: Any) -> tuple[subprocess.Popen[bytes], dict[str, Any]]:
    """Start the process and wait for the line in which it says how to reach it."""
    keeper.tidy_all()
    root = tempfile.mkdtemp(prefix=keeper.PREFIX, dir=keeper.temporary_folder())
    Path(root).chmod(0o711 if os.geteuid() == 0 else 0o700)  # PostgreSQL's account must pass through root's
    command = [sys.executable, "-m", "rds_sandbox.server", root]
    held = keeper.lock(Path(root))
    assert held is not None
    with held:  # the process inherits the lock and holds it until it ends, however it ends
        process = subprocess.Popen(
            command, stdin=standard_input, stdout=subprocess.PIPE, stderr=log, start_new_session=True, pass_fds=[held.fileno()]
        )
    assert process.stdout is not None
    with process.stdout:
        line = process.stdout.readline()
    answer: dict[str, Any] = json.loads(line) if line else {}
    if "environment" not in answer:
        if process.stdin:
            process.stdin.close()
        process.wait()
        keeper.tidy(Path(root))
        raise _failure(answer, log)
    return process, answer


def _failure(answer: Mapping[str, str], log: Any) -> SandboxFailed:
    if "problem" in answer:
        return PostgresMissing(answer["problem"])
    if isinstance(log.name, str):
        return SandboxFailed(f"the sandbox ended before it was ready: its log {log.name} says why")
    log.seek(0)
    last = log.read().decode(errors="replace").strip().rpartition("\n")[2]
    return SandboxFailed(f"the sandbox ended before it was ready ({last}): mend that and try again")


def alive(record: Mapping[str, Any] | None) -> bool:
    """Whether the process still holds its folder."""
    if record is None or not Path(record["root"]).is_dir():
        return False
    held = keeper.lock(Path(record["root"]))
    if held is None:
        return True
    held.close()
    return False


def _wait_until_gone(root: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while root.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    keeper.tidy_all()


def _write(path: Path, record: Mapping[str, Any]) -> None:
    """Replace the file in one step: a reader never sees half of it."""
    with tempfile.NamedTemporaryFile("w", dir=state_folder(), delete=False) as file:
        json.dump(record, file)
    Path(file.name).replace(path)


def _words(error: HTTPError) -> str:
    """What the sandbox says in its refusal, which werkzeug wraps in a page."""
    page = error.read().decode(errors="replace")
    return html.unescape(page.partition("<p>")[2].partition("</p>")[0]).rstrip(".") or str(error)


def _request(variables: Mapping[str, str], method: str, path: str, body: Mapping[str, str] | None = None) -> bytes:
    url = f"{variables['AWS_ENDPOINT_URL']}/_sandbox{path}"
    request = Request(url, json.dumps(body).encode() if body else None, {"Content-Type": "application/json"}, method=method)
    try:
        with urlopen(request, timeout=10) as answer:
            content: bytes = answer.read()
            return content
    except HTTPError as error:
        raise WrongInput(f"{_words(error)}: `rds-sandbox status` shows what there is") from error
    except URLError as error:
        message = f"the sandbox does not answer ({error}): end it with `rds-sandbox down`, then start it again"
        raise SandboxNotUp(message) from error
