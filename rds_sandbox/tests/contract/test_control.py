"""The control side: what happens in a sandbox when it is asked for, and the command that asks."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from rds_sandbox import SIMULATIONS, Sandbox, SandboxFailed, SandboxNotUp, WrongInput, cli, down, find, sandbox, up
from rds_sandbox.simulate import usage
from tests.instance import refused
from tests.support import make_client, make_group, wait_for, wanted

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """The command, on a sandbox that it has started: words to exit code, standard output and standard error."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RDS_SANDBOX_STATE_DIR", str(tmp_path_factory.mktemp("state")))

        def run(*words: str) -> tuple[int, str, str]:
            done = subprocess.run([sys.executable, "-m", "rds_sandbox", *words], capture_output=True, text=True, timeout=60)
            return done.returncode, done.stdout.rstrip("\n"), done.stderr.rstrip("\n")

        assert (0, "the sandbox is up", "") == run("up")
        yield run
        down()


def test_the_command_starts_one_and_ends_it(command: Run) -> None:
    """A second `up` finds the first; another name is another sandbox, and none is up under it."""
    assert (0, "the sandbox was up already", "") == command("up")
    assert (0, "no sandbox was up", "") == command("down", "--name", "other")
    assert (1, "", "no sandbox is up: start it with `rds-sandbox up`") == command("status", "--name", "other")


def test_a_realistic_one_says_its_seed(command: Run) -> None:
    """Which repeats it; without `--realistic` there is none."""
    told = "only a realistic sandbox has a seed: add --realistic, or leave --seed out"
    assert (2, "", told) == command("up", "--name", "late", "--seed", "5")
    said = "the sandbox is up, and realistic: --seed 5 repeats it"
    assert (0, said, "") == command("up", "--name", "late", "--realistic", "--seed", "5")
    assert (0, "AWS answers at once now", "") == command("simulate", "--name", "late", "ideal")
    assert (0, "the sandbox is down", "") == command("down", "--name", "late")


def test_one_that_is_up_becomes_what_is_asked_for(command: Run) -> None:
    """As if it had been started so: nobody takes policies for enforced that are not."""
    said = "the sandbox was up already, and now realistic: --seed 6 repeats it"
    assert (0, said, "") == command("up", "--realistic", "--seed", "6", "--iam")
    assert (0, "AWS answers at once now", "") == command("simulate", "ideal")
    find().client("iam").create_user(UserName="jane")
    key = find().client("iam").create_access_key(UserName="jane")["AccessKey"]
    names = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    assert "AccessDenied" == refused(make_client({**find().environment, **names}, "s3").list_buckets)


def test_the_environment_is_an_object_too(command: Run) -> None:
    """`env --json` is what `find` has, and the address to admit is a value of it."""
    told = json.loads(command("env", "--json")[1])
    assert told == find().environment
    assert told["RDS_SANDBOX_OPERATOR_ADDRESS"] == find().operator_address
    assert {"AWS_ENDPOINT_URL", "PGSSLROOTCERT"} < told.keys()


def test_the_operator_moves(command: Run) -> None:
    """The address service answers the new address, and so does the environment that others ask for."""
    assert (0, "the operator comes from 198.51.100.7 now", "") == command("simulate", "address", "address=198.51.100.7")
    with urlopen(find().environment["RDS_SANDBOX_CHECKIP_URL"], timeout=10) as answer:
        assert b"198.51.100.7\n" == answer.read()
    assert "198.51.100.7" == find().operator_address
    assert "operator address  198.51.100.7" in command("status")[1]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["address", "address=here"], '"here" is no IP address'),
        (["delay", "seconds=soon"], '"soon" is no number of seconds'),
        (["certificate", "identifier=x", "days=soon"], '"soon" is no number of days'),
        (["stale", "identifier=nobody", "seconds=3"], "DBInstance nobody not found"),
        (["delay"], "delay takes seconds: `rds-sandbox simulate delay seconds=SECONDS`"),
        (["delay", "3"], '"3" is no key=value'),
        (["crowd", "like="], 'nothing can be called like ""'),
        (["crowd", "like=mine", "exactly=3"], 'nothing can be called like "3"'),
        (["crowd", "like=mine", "tags=Owner"], '"Owner" are no tags'),
        (["maintenance", "identifier=nobody"], "DBInstance nobody not found: `rds-sandbox status`"),
    ],
)
def test_what_cannot_be_is_told(command: Run, words: list[str], sentence: str) -> None:
    """One sentence, and the exit code for wrong input."""
    code, said, told = command("simulate", *words)
    assert (2, "") == (code, said)
    assert told.startswith(sentence)


def test_help_lists_what_can_be_simulated(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Each with its keys and its purpose."""
    monkeypatch.setattr(sys, "argv", ["rds-sandbox", "simulate", "--help"])
    with pytest.raises(SystemExit):
        cli.main()
    shown = capsys.readouterr().out
    for name, simulation in SIMULATIONS.items():
        assert f"{usage(name)}\n    {simulation.purpose}\n" in shown


def test_simulations_are_called(rds_sandbox: Sandbox) -> None:
    """Maintenance is announced and its window opened by name."""
    rds = rds_sandbox.client("rds")
    rds.create_db_instance(**wanted("simulated"))
    wait_for(rds, "simulated", "available")
    assert rds_sandbox.simulate("announce", identifier="simulated", action="os-upgrade").startswith("simulated has a pending")
    assert 1 == len(rds.describe_pending_maintenance_actions()["PendingMaintenanceActions"])
    for _ in range(2):  # the second is after the date from which it is applied unasked
        assert "the maintenance window of simulated has begun" == rds_sandbox.simulate("maintenance", identifier="simulated")
    wait_for(rds, "simulated", "available")

    assert [] == rds.describe_pending_maintenance_actions()["PendingMaintenanceActions"]
    with pytest.raises(WrongInput, match="simulated is no read replica"):
        rds_sandbox.simulate("lag", identifier="simulated", seconds=5)
    with pytest.raises(WrongInput, match='nothing simulates "flood": use one of maintenance, '):
        rds_sandbox.simulate("flood")
    rds_sandbox.reset()
    assert [] == rds.describe_db_instances()["DBInstances"]


def test_clients_take_nothing_from_the_user(rds_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """A profile that the shell names, and that does not exist, is no matter."""
    monkeypatch.setenv("AWS_PROFILE", "nowhere")
    monkeypatch.setenv("AWS_ENDPOINT_URL_EC2", "http://127.0.0.1:9")
    assert make_group(rds_sandbox.client("ec2"), "mine").startswith("sg-")
    assert "us-east-1" == rds_sandbox.client("rds", region_name="us-east-1").meta.region_name


def test_one_that_is_gone_is_told() -> None:
    """Whoever still holds it reads a sentence."""
    with sandbox() as it:
        pass
    with pytest.raises(SandboxNotUp, match="does not answer"):
        it.status()


@pytest.fixture
def python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Lets RDS_SANDBOX_PYTHON name a program that begins with these lines and goes on as our Python."""

    def make(lines: str) -> Path:
        program = tmp_path / "python"
        program.write_text(f'#!/bin/sh\n{lines}\nexec "{sys.executable}" "$@"\n')
        program.chmod(0o755)
        monkeypatch.setenv("RDS_SANDBOX_PYTHON", str(program))
        monkeypatch.setenv("RDS_SANDBOX_STATE_DIR", str(tmp_path / "state"))
        return program

    return make


def test_the_server_may_have_a_python_of_its_own(python: Callable[[str], Path], tmp_path: Path) -> None:
    """The one that RDS_SANDBOX_PYTHON names runs it."""
    python(f"touch {tmp_path}/used")
    with sandbox() as it:
        assert [] == it.client("rds").describe_db_instances()["DBInstances"]
    assert (tmp_path / "used").exists()


def test_a_python_without_the_sandbox_is_told(python: Callable[[str], Path]) -> None:
    """What to install, and where."""
    python(f'shift; exec "{sys.executable}" -I -S "$@"')
    with pytest.raises(SandboxFailed, match=r"has no rds-sandbox: `pip install 'rds-sandbox\[server\]==.*'` there, or"):
        up()


def test_a_python_that_does_not_run_is_told(python: Callable[[str], Path]) -> None:
    """The variable is named."""
    python("").unlink()
    with pytest.raises(SandboxFailed, match="No such file or directory.*: name a Python in RDS_SANDBOX_PYTHON"):
        up()
