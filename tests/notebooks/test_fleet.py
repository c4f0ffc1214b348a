"""A fleet of twenty DB instances in one sandbox, with what goes wrong in fleets; and workers and schedulers that are lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from distributed import Client

from cruddur_ops import aws, fleet, locks, targets
from cruddur_ops.errors import RunInterrupted, WrongInput
from cruddur_ops.fleet import child, record, waves, worker
from cruddur_ops.fleet.order import Order, Report
from cruddur_ops.locks import parameter
from cruddur_ops.runbook import runs
from cruddur_ops.runbook.evidence import history
from cruddur_ops.state import PROJECT
from rds_sandbox import Sandbox
from tests.unit.headless import until

COUNT, OFFERED_NO_MORE, LOCKED, GONE = 20, "t05", "t09", "t14"
EACH = '[{name}]\nsandbox = true\ndb_instance_identifier = "fleet-{name}"\ntags = {{ team = "payments" }}\n'
PLANTED = {
    OFFERED_NO_MORE: 'engine_version = "12"\n',
    GONE: 'connection_url = "postgresql://nobody@127.0.0.1:1/cruddur"\n',
}

pytestmark = pytest.mark.thorough  # minutes


@pytest.fixture
def fleet_of_twenty(rds_sandbox: Sandbox, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a command line with that many targets."""
    names = [f"t{number:02}" for number in range(1, COUNT + 1)]
    (tmp_path / "targets.toml").write_text("".join(EACH.format(name=name) + PLANTED.get(name, "") for name in names))
    with environment(rds_sandbox.environment, tmp_path) as found:
        yield found


@contextmanager
def environment(variables: Mapping[str, str], folder: Path) -> Iterator[dict[str, str]]:
    """Of a command line with a sandbox's variables, and the targets and runs in a folder; in this process, too."""
    own = {"CRUDDUR_TARGETS": "targets.toml", "CRUDDUR_RUNS": "runs", "CRUDDUR_STATE_DIR": "state"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**variables, **{name: str(folder / value) for name, value in own.items()}}.items():
            patch.setenv(name, value)
        yield dict(os.environ)


def ops(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command line."""
    command = [sys.executable, "-m", "cruddur_ops", "fleet", *arguments]
    return subprocess.run(command, env=environment, cwd=PROJECT, capture_output=True, text=True, timeout=1800)


def test_twenty_targets(fleet_of_twenty: dict[str, str], tmp_path: Path) -> None:
    """The canary, then the rest; one is refused, one locked by somebody else, one unreachable, and three may be so."""
    run = ("run", "00", "01", "02", "03", "--targets", "team=payments")
    with locks.held(targets.load(LOCKED), "a test"):
        done = ops(fleet_of_twenty, *run, "--waves", "1,50%,100%", "--max-errors", "3", "--max-concurrency", "6")
    found = record.find("last", tmp_path / "runs").reports()
    verdicts = {name: report.verdict for name, report in found.items() if not report.passed}
    assert (1, {OFFERED_NO_MORE: "failed", LOCKED: "locked", GONE: "unreachable"}) == (done.returncode, verdicts), done
    assert f"{COUNT} targets: 17 passed" in done.stdout
    again = ops(fleet_of_twenty, "resume", "--max-concurrency", "6")
    found = record.find("last", tmp_path / "runs").reports()
    assert (1, 18) == (again.returncode, sum(report.passed for report in found.values())), again  # but for the budget of one wave
    drift = ops(fleet_of_twenty, "plan", "01", "02", "03", "--targets", "t0[1-3]")
    assert (0, "3 passed; 0 changes") == (drift.returncode, drift.stdout.partition("targets: ")[2].splitlines()[0])


@pytest.mark.parametrize("approved", [False, True])
def test_a_client_that_is_killed(fleet_of_twenty: dict[str, str], tmp_path: Path, approved: bool) -> None:
    """Its runs end with it, and free their locks; `resume` goes on in its folder at the notebook that each had reached.

    What was approved is neither planned again nor forgotten, though half of it is done.
    """
    names = [f"cut-{number}-{approved}".lower() for number in range(2)]
    (tmp_path / "targets.toml").write_text("".join(EACH.format(name=name) for name in names))
    arguments = ["01", "02", "--targets", "*"]
    if approved:
        ops(fleet_of_twenty, "plan", *arguments)
        arguments = ["--approved", record.find("last", tmp_path / "runs").facts["digest"]]
    command = [sys.executable, "-m", "cruddur_ops", "fleet", "run", *arguments]
    process = subprocess.Popen(command, env=fleet_of_twenty, cwd=PROJECT)
    until(lambda: "02" in last_steps(tmp_path, names[0]), 600)
    process.kill()
    process.wait()
    until(lambda: not [one for one in psutil.process_iter() if _of(one, fleet_of_twenty)], 600)
    done = ops(fleet_of_twenty, "resume")
    assert (0, True) == (done.returncode, "2 targets: 2 passed" in done.stdout), done
    assert {"01", "02"} == last_steps(tmp_path, names[0])
    last = history.read(changing(tmp_path, names[0])[-1])
    assert (changing(tmp_path, names[0])[0].name, 2 if approved else 1) == (last["resumes"], len(fleets(tmp_path)))
    assert ["01_provision_rds.check", "02_open_security_group"] == [step["name"] for step in last["notebooks"]]


def fleets(folder: Path) -> list[Path]:
    """The folders of all, the newest last."""
    return sorted(folder.glob("runs/*-fleet*"))


def changing(folder: Path, target: str) -> list[Path]:
    """The runs of a target that were to change it, in the newest fleet."""
    found = [one for fleet in fleets(folder)[-1:] for one in history.folders(fleet / f"target-{target}")]
    return [one for one in found if not history.read(one)["plan_only"]]


def last_steps(folder: Path, target: str) -> set[str]:
    """The numbers of the notebooks that the last of these has begun."""
    return {path.name[:2] for one in changing(folder, target)[-1:] for path in one.glob("*.ipynb")}


def test_a_machine_that_is_lost(fleet_of_twenty: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its lock stays, of this fleet; the repeated run waits until that is stale, where it would leave another's alone."""
    monkeypatch.setattr(runs, "RUNS", tmp_path / "runs")
    ssm, name, own, verdicts = aws.client(targets.load("t01"), "ssm"), "/cruddur-ops/lock/fleet-t01", "20260102T000000Z-fleet", []
    holder = {"token": "lost", "who": "ann", "host": "elsewhere", "pid": 7, "began": 1.0, "since": "now"}
    for doing, stale in (("20260101T000000Z-fleet", parameter.STALE), (own, 5)):
        monkeypatch.setattr(parameter, "STALE", stale)
        ssm.delete_parameters(Names=[name])
        value = json.dumps({"after": 0, "by": "lost", "holder": {**holder, "doing": f"{doing}: run of 01_provision_rds"}})
        ssm.put_parameter(Name=name, Value=value, Type="String")
        verdicts.append(child.perform(Order("t01", own, str(tmp_path), ("01",))).verdict)
    assert ["locked", "passed"] == verdicts


def test_a_target_that_hangs(fleet_of_twenty: dict[str, str], tmp_path: Path, rds_sandbox: Sandbox) -> None:
    """After its time it is ended as by Ctrl-C; nothing of it is left, and its lock is free."""
    with (tmp_path / "targets.toml").open("a") as file:
        file.write(EACH.format(name="hanging"))
    rds_sandbox.simulate("delay", seconds=600)
    done = ops(fleet_of_twenty, "run", "01", "--targets", "hanging", "--timeout", "30")
    rds_sandbox.simulate("delay", seconds=0.02)
    assert (1, "timed out") == (done.returncode, record.find("last", tmp_path / "runs").reports()["hanging"].verdict), done
    assert [] == [one for one in psutil.process_iter() if _of(one, fleet_of_twenty)]
    with locks.held(targets.load("hanging"), "a test"):
        pass


@pytest.mark.parametrize(
    ("made", "notebook", "wanted"),
    [
        ('engine_version = "18"\n', ("01",), 'ca_certificate_identifier = "rds-ca-rsa4096-g1"\n'),
        ('engine_version = "16"\n', ("09", "-p", "version", "18", "-p", "practice", ""), 'engine_version = "18"\n'),
    ],
    ids=["certificate", "major version"],
)
def test_what_fleets_are_for(
    fleet_of_twenty: dict[str, str], tmp_path: Path, made: str, notebook: tuple[str, ...], wanted: str
) -> None:
    """The section is changed, the plan read and approved, and applied in waves; then nothing differs from the sections."""
    file, names = tmp_path / "targets.toml", [f"{notebook[0]}-{number}" for number in range(2)]
    file.write_text("".join(EACH.format(name=name) + made for name in names))
    assert 0 == ops(fleet_of_twenty, "run", "01", "02", "03", "--targets", "*").returncode
    file.write_text("".join(EACH.format(name=name) + wanted for name in names))
    planned = ops(fleet_of_twenty, "plan", *notebook, "--targets", "*")
    digest = record.find("last", tmp_path / "runs").facts["digest"]
    done = ops(fleet_of_twenty, "run", "--approved", digest[:12])
    drift = ops(fleet_of_twenty, "plan", "01", "02", "03", "--targets", "*")
    assert (2, 0, 0) == (planned.returncode, done.returncode, drift.returncode), (planned, done, drift)


@pytest.mark.usefixtures("fleet_of_twenty")
def test_a_worker_whose_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its target has failed, and why is what the system says: no file of its run may be longer than 20 kB here."""
    monkeypatch.setattr(worker, "COMMAND", ("prlimit", "--fsize=20000", *worker.COMMAND))
    found = worker.run(Order("t01", "fleet", str(tmp_path), ("00",)))
    assert ("failed", True) == (found.verdict, "File too large" in found.why), found


def _of(process: psutil.Process, environment: dict[str, str]) -> bool:
    """Whether it is a run of this fleet."""
    try:
        ours = process.environ().get("CRUDDUR_RUNS") == environment["CRUDDUR_RUNS"]
        return ours and "cruddur_ops.fleet.child" in process.cmdline()
    except (psutil.AccessDenied, psutil.NoSuchProcess):
        return False


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """The address of a scheduler with two workers, and the three processes."""
    file = tmp_path / "scheduler.json"
    processes = [_dask("scheduler", file, "--host", "127.0.0.1", "--port", "0")]
    processes += [_dask("worker", file, "--nthreads", "2", "--no-nanny") for _ in range(2)]
    until(file.exists)
    yield json.loads(until(file.read_text))["address"], processes
    for process in processes:
        process.kill()
        process.wait()


def _dask(what: str, file: Path, *options: str, variables: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", f"distributed.cli.dask_{what}", "--scheduler-file", str(file), "--no-dashboard", *options]
    environment = {**os.environ, **(variables or {})}
    return subprocess.Popen(command, cwd=PROJECT, env=environment, stderr=subprocess.DEVNULL)


def test_a_worker_of_another_version(scheduler: tuple[str, list[subprocess.Popen[bytes]]], tmp_path: Path) -> None:
    """It is named with what differs, and nothing is started."""
    package = tmp_path / "cruddur_ops-0.0.9.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: cruddur-ops\nVersion: 0.0.9\n")
    file = tmp_path / "scheduler.json"
    scheduler[1].append(_dask("worker", file, "--no-nanny", variables={"PYTHONPATH": str(tmp_path)}))
    with Client(scheduler[0]) as client:
        client.wait_for_workers(3, timeout=60)
    begun = made(tmp_path, scheduler[0])
    with pytest.raises(WrongInput, match=r"nothing was started \(cruddur-ops on tcp://127.0.0.1:\d+: 0.0.9, here"):
        fleet.carry_out(begun, lambda _: None, lambda _: None, dying_once)
    assert {} == begun.record.reports()


def made(folder: Path, address: str) -> fleet.Fleet:
    """A fleet of three on these workers."""
    names = ["t0", "t1", "t2"]
    split = waves.split(names, "1,100%")
    facts = {"targets": names, "notebooks": [], "given": {}, "plan_only": False, "waves": split, "errors": 0,
             "seconds": 0, "evidence_url": "", "approved": "", "source": "", "plans": {}, "digest": ""}  # fmt: skip
    return fleet.Fleet(record.create(folder, facts), address, 2, tuple(split))


def dying_once(order: Order) -> Report:
    """A task whose worker is killed at the first try."""
    mark = Path(order.folder) / "tried"
    if order.target == "t1" and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return Report(order.target, "passed", host=str(os.getpid()))


def waiting(order: Order) -> Report:
    """A task that is still at work when something is done to its scheduler."""
    if order.target != "t0":
        (Path(order.folder) / "began").touch()
        threading.Event().wait(60)
    return Report(order.target, "passed")


def test_a_worker_that_is_killed(scheduler: tuple[str, list[subprocess.Popen[bytes]]], tmp_path: Path) -> None:
    """Its target is run again, by Dask, elsewhere."""
    done = fleet.carry_out(made(tmp_path, scheduler[0]), lambda _: None, lambda _: None, dying_once)
    assert ["passed"] * 3 == [report.verdict for report in done.record.reports().values()]


def test_a_scheduler_that_is_killed(scheduler: tuple[str, list[subprocess.Popen[bytes]]], tmp_path: Path) -> None:
    """The fleet ends with the way to go on; what had passed stays so."""
    begun = made(tmp_path, scheduler[0])

    def kill(ended: threading.Event) -> None:
        while not (begun.record.folder / "began").exists():
            ended.wait(0.1)
        scheduler[1][0].kill()

    ended = threading.Event()
    threading.Thread(target=kill, args=(ended,), daemon=True).start()
    with pytest.raises(RunInterrupted, match="the scheduler is gone.*fleet resume"):
        fleet.carry_out(begun, lambda _: None, lambda _: None, waiting)
    assert {"t0": "passed"} == {name: report.verdict for name, report in begun.record.reports().items()}
