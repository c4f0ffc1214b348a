"""Start, find, use and end sandboxes: one that stays up for this user, or one for the length of a `with`."""

import functools
import json
import os
import re
import shlex
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from rds_sandbox import keeper, process
from rds_sandbox.crowd import Crowd
from rds_sandbox.errors import SandboxNotUp, WrongInput
from rds_sandbox.folders import private
from rds_sandbox.process import Record, alive
from rds_sandbox.simulate import AT_ONCE, checked
from rds_sandbox.state import one_at_a_time, read_record, record_file, state_folder

END_SECONDS = 60
ADDRESS = "RDS_SANDBOX_OPERATOR_ADDRESS"
TOKEN = "RDS_SANDBOX_TOKEN"
NAME = re.compile("[A-Za-z](-?[A-Za-z0-9]){0,39}")
PAIR = re.compile("(?!(?i:aws):)[A-Za-z0-9 _.:/+@-]+=[A-Za-z0-9 _.:/=+@-]*")
KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
FOREIGN = ("AWS_PROFILE", "AWS_SESSION_TOKEN")  # of other credentials: beside the sandbox's they would be in the way


@dataclass(frozen=True)
class Sandbox:
    """A sandbox that is up."""

    # the variables that let any AWS client and any Postgres client use it. Among them RDS_SANDBOX_OPERATOR_ADDRESS: the public
    # address that you have there, for a security group's rule.
    environment: dict[str, str] = field(repr=False)
    file: Path | None = None  # that tells others of it; None for a sandbox that ends with its `with`

    def client(self, service: str, **options: Any) -> Any:
        """A boto3 client of a service, which takes nothing from the user's AWS configuration."""
        import boto3
        from botocore.session import Session

        core = Session({"profile": (None, None, None, None)})  # AWS_PROFILE is not looked at
        keys = {name.lower(): self.environment[name] for name in KEYS}
        session = boto3.Session(botocore_session=core, region_name=self.environment["AWS_REGION"], **keys)
        return session.client(service, **{"endpoint_url": self.environment["AWS_ENDPOINT_URL"], **options})

    @property
    def operator_address(self) -> str:
        """The public address that this machine's programs have in the sandbox."""
        return self.environment[ADDRESS]

    def exports(self) -> str:
        """The lines for `eval`: real credentials of the shell are put out of the way."""
        variables = (f"export {key}={shlex.quote(value)}" for key, value in self.environment.items())
        return "\n".join([f"unset {' '.join(FOREIGN)}", *variables])

    @contextmanager
    def exported(self) -> Iterator[None]:
        """For the length of a `with`, what this process and its children see in their environment."""
        before = dict(os.environ)
        for name in FOREIGN:
            os.environ.pop(name, None)
        os.environ.update(self.environment)
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)

    def status(self) -> str:
        """What is in it, a line for each DB instance, function and confirmation code that waits."""
        answer = self._ask("GET", "/_sandbox/status")
        lines = [f"AWS endpoint      {self.environment['AWS_ENDPOINT_URL']}"]
        lines += [f"operator address  {answer['OperatorAddress']}", f"PostgreSQL        {answer['PostgreSQL']}"]
        lines += [f"log               {self.file.with_suffix('.log')}"] if self.file else []
        lines += [_instance_line(instance) for instance in answer["DBInstances"]]
        lines += [_function_line(function) for function in answer["Functions"]]
        return "\n".join(lines + [f"code              {code}" for code in self.confirmation_codes()])

    def confirmation_codes(self) -> list[str]:
        """The codes that Cognito would have sent: code, purpose, user name and user pool."""
        codes = self._ask("GET", "/_sandbox/confirmation-codes")["Codes"]
        return [f"{code['Code']}  {code['Purpose']}  {code['Username']}  {code['UserPoolId']}" for code in codes]

    def simulate(self, name: str, **values: object) -> str:
        """Make one of SIMULATIONS happen; the sentence that says so."""
        texts = {key: str(value) for key, value in values.items()}
        simulation = checked(name, texts)
        if name == "crowd":
            self._gather(**texts)
        else:
            self._ask("PUT", f"/_sandbox/simulate/{name}", texts)
        if "address" in texts:
            self.environment[ADDRESS] = texts["address"]
            self._tell_others()
        return simulation.said.format(**texts)

    def _gather(self, like: str, exactly: str = "", tags: str = "", seed: str = "0") -> None:
        from botocore.config import Config

        same = exactly.split(",") if exactly else []
        for name in (*like.split(","), *same):
            if not NAME.fullmatch(name):
                raise WrongInput(f'nothing can be called like "{name}": use letters, digits and single hyphens, a letter first')
        if tags and not all(PAIR.fullmatch(pair) for pair in tags.split(",")):
            raise WrongInput(f'"{tags}" are no tags: write them as KEY=VALUE,KEY=VALUE')
        labels = dict(pair.split("=", 1) for pair in tags.split(",")) if tags else {}
        clients = functools.cache(functools.partial(self.client, config=Config(user_agent_extra=AT_ONCE)))
        if any(one["DBSubnetGroupName"] == "others-1" for one in clients("rds").describe_db_subnet_groups()["DBSubnetGroups"]):
            raise WrongInput("other teams are here already, and come once: name all of them together, in a sandbox without them")
        crowd = Crowd(clients, self.environment["RDS_SANDBOX_LAMBDA_RUNTIME"], labels, Random(seed), same)
        crowd.fill(list(dict.fromkeys([*like.split(","), *same])))

    def reset(self) -> None:
        """Empty it: no instance, function, rule or secret is left."""
        self._ask("POST", "/_sandbox/reset")

    def open_moto_api(self) -> None:
        """Open moto's own interface, /moto-api, which asks nobody who he is, to every program of this machine."""
        self._ask("PUT", "/_sandbox/moto-api")

    def enforce_iam(self) -> None:
        """Ask the policies of users and roles from now on; the owner's own key may do everything, as an account's root."""
        self._ask("PUT", "/_sandbox/iam")

    def _tell_others(self) -> None:
        record = json.loads(self.file.read_text()) if self.file else {}
        if self.file and record["environment"]["AWS_ENDPOINT_URL"] == self.environment["AWS_ENDPOINT_URL"]:
            _write(self.file, {**record, "environment": self.environment})

    def _ask(self, method: str, path: str, body: Mapping[str, str] | None = None) -> Any:
        """What its own interface answers."""
        url = f"{self.environment['AWS_ENDPOINT_URL']}{path}"
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.environment[TOKEN]}"}
        request = Request(url, None if body is None else json.dumps(body).encode(), headers, method=method)
        try:
            with urlopen(request, timeout=60) as answer:
                return json.loads(answer.read())
        except HTTPError as error:
            with error:
                raise WrongInput(error.read().decode(errors="replace")) from error
        except URLError as error:
            message = f"the sandbox does not answer ({error}): end it with `rds-sandbox down`, then start it again"
            raise SandboxNotUp(message) from error


def up(name: str | None = None, seed: int | None = None, *, moto_api: bool = False, iam: bool = False) -> bool:
    """Start the sandbox in the background; False where it was up already, and is now as this one is to be.

    Args:
        name: else that in RDS_SANDBOX_NAME, else "default".
        seed: of what goes wrong where it is to be realistic; None for a sandbox that answers at once.
        moto_api: whether moto's own interface is open, to every program of this machine.
        iam: whether policies are enforced.
    """
    file = record_file(name)
    with one_at_a_time(file):
        there = read_record(name)
        record = there if there and alive(there) else _started(file)
        if seed is not None:
            Sandbox(record["environment"]).simulate("realistic", seed=seed)
        if moto_api:
            Sandbox(record["environment"]).open_moto_api()
        if iam:
            Sandbox(record["environment"]).enforce_iam()
        if record is not there:
            _write(file, record)
        return record is not there


def _started(file: Path) -> Record:
    with private(file.with_suffix(".log")).open("wb") as log:
        started, record = process.start(subprocess.DEVNULL, log)
    started.returncode = 0  # it outlives this program: nobody is to wait for it
    return record


def down(name: str | None = None) -> bool:
    """End the sandbox and everything in it; False where none was up."""
    with one_at_a_time(record_file(name)):
        record = read_record(name)
        record_file(name).unlink(missing_ok=True)
        if record is None or not alive(record):
            keeper.tidy_all()
            return False
        os.kill(record["pid"], signal.SIGTERM)
        _wait_until_gone(Path(record["root"]))
        return True


def find(name: str | None = None) -> Sandbox:
    """The sandbox of this name that is up.

    Args:
        name: else that in RDS_SANDBOX_NAME, else "default".
    """
    environment = running(name)
    if not environment:
        raise SandboxNotUp("no sandbox is up: start it with `rds-sandbox up`")
    return Sandbox(dict(environment), record_file(name))


def running(name: str | None = None) -> Mapping[str, str]:
    """Its environment; empty where none is up."""
    record = read_record(name)
    return record["environment"] if record and alive(record) else {}


@contextmanager
def sandbox() -> Iterator[Sandbox]:
    """A sandbox for the length of a `with`; it ends with us in any case."""
    with tempfile.TemporaryFile() as log:
        started, record = process.start(subprocess.PIPE, log)
        try:
            yield Sandbox(record["environment"])
        finally:
            assert started.stdin is not None
            started.stdin.close()
            started.wait(timeout=END_SECONDS)


def _instance_line(instance: Mapping[str, Any]) -> str:
    endpoint = instance["Endpoint"]
    place = f"{endpoint['Address']}:{endpoint['Port']}" if endpoint else "no endpoint yet"
    name = f"{instance['DBInstanceIdentifier']} ({instance['Region']})"
    version, runs = instance["EngineVersion"], instance["ServerMajorVersion"]
    version += f" ({runs} runs in its place)" if runs not in (None, int(version.partition(".")[0])) else ""
    return f"DB instance       {name}: {instance['DBInstanceStatus']}, PostgreSQL {version}, {place}"


def _function_line(function: Mapping[str, Any]) -> str:
    processes = f"{function['ExecutionEnvironments']} execution environments"
    return f"Function          {function['FunctionName']} ({function['Region']}): {function['Runtime']}, {processes}"


def _wait_until_gone(root: Path) -> None:
    deadline = time.monotonic() + END_SECONDS
    while root.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    keeper.tidy_all()


def _write(path: Path, record: Record) -> None:
    """Replace the file in one step: a reader never sees half of it."""
    with tempfile.NamedTemporaryFile("w", dir=state_folder(), delete=False) as file:
        json.dump(record, file)
    Path(file.name).replace(path)
