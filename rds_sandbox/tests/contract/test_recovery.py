"""A server that dies comes back by itself, as on RDS; one that cannot, or whose disk is full, is not shown as available."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from rds_sandbox import Sandbox, control
from rds_sandbox.rds.recovery import LEAST_BYTES
from tests.instance import refused
from tests.support import PASSWORD, Client, connect, from_address, make_group, tcp, wait_for, wanted

RECOVERY = "Recovery of the DB instance has started. Recovery time will vary with the amount of data to be recovered."
FULL = [
    ("low storage", "Allocated storage has been exhausted. Allocate additional storage to resolve."),
    (
        "availability",
        "DB instance has reached the storage-full threshold, and the database has been shut down. "
        "You can increase the allocated storage to address this issue.",
    ),
]


def data_of(sandbox: Sandbox, identifier: str) -> Path:
    """The server's data directory."""
    instances = sandbox._ask("GET", "/_sandbox/status")["DBInstances"]
    return next(Path(one["Logs"]).parent / "data" for one in instances if one["DBInstanceIdentifier"] == identifier)


def kill(data: Path) -> None:
    """Kill the postmaster as the kernel does when memory runs out."""
    process = int((data / "postmaster.pid").read_text().split()[0])
    os.kill(process, signal.SIGKILL)


def said(rds: Client, identifier: str) -> list[tuple[str, str]]:
    """The events of an instance: category and message."""
    events = rds.describe_events(SourceIdentifier=identifier, SourceType="db-instance")["Events"]
    return [(event["EventCategories"][0], event["Message"]) for event in events]


def create(sandbox: Sandbox, identifier: str, **changes: Any) -> dict[str, Any]:
    """An instance that this machine reaches."""
    rds, ec2 = sandbox.client("rds"), sandbox.client("ec2")
    group = make_group(ec2, identifier, tcp(5432, **from_address(f"{sandbox.operator_address}/32")))
    rds.create_db_instance(**wanted(identifier, VpcSecurityGroupIds=[group], **changes))
    return wait_for(rds, identifier, "available")


@pytest.fixture
def slow(rds_sandbox: Sandbox) -> Iterator[None]:
    """Statuses that last long enough to be seen."""
    rds_sandbox.simulate("delay", seconds=1)
    yield
    rds_sandbox.simulate("delay", seconds=0)
    rds_sandbox.reset()


def test_a_killed_server_is_started_again(rds_sandbox: Sandbox, slow: None) -> None:
    """With its data, at its endpoint; the status and the events tell. The shared memory that it leaves is in its folder."""
    rds = rds_sandbox.client("rds")
    instance = create(rds_sandbox, "killed")
    with connect(rds_sandbox.environment, instance) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS it")
        assert any((data_of(rds_sandbox, "killed") / "pg_dynshmem").iterdir())
        kill(data_of(rds_sandbox, "killed"))
        wait_for(rds, "killed", "rebooting")
    found = wait_for(rds, "killed", "available")

    with connect(rds_sandbox.environment, found) as connection:
        assert (7,) == connection.execute("SELECT it FROM kept").fetchone()
    recovered = ("recovery", "Recovery of the DB instance is complete.")
    assert [("recovery", RECOVERY), ("availability", "DB instance restarted"), recovered] == said(rds, "killed")[-3:]


def kill_during(rds: Client, data: Path, status: str, begin: Callable[[], object]) -> None:
    """Hold the postmaster, so that the work cannot pass it, and kill it once the status is that of the work."""
    process = psutil.Process(int((data / "postmaster.pid").read_text().split()[0]))
    process.suspend()
    begin()
    wait_for(rds, "struck", status)
    process.kill()


def test_what_was_under_way_goes_on_when_the_server_is_killed(rds_sandbox: Sandbox) -> None:
    """A change, a stop, a snapshot come to their ends, and the events tell of the recovery: only what cannot start has failed."""
    rds, name = rds_sandbox.client("rds"), {"DBInstanceIdentifier": "struck"}
    create(rds_sandbox, "struck", BackupRetentionPeriod=1)
    data, password = data_of(rds_sandbox, "struck"), "Another-1-password"

    def reset() -> None:
        rds.modify_db_instance(**name, MasterUserPassword=password, ApplyImmediately=True)

    kill_during(rds, data, "resetting-master-credentials", reset)
    with connect(rds_sandbox.environment, wait_for(rds, "struck", "available"), password=password) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS it")
    recovered = [("recovery", RECOVERY), ("recovery", "Recovery of the DB instance is complete.")]
    assert recovered == [event for event in said(rds, "struck") if event[0] == "recovery"]
    kill_during(rds, data, "stopping", lambda: rds.stop_db_instance(**name))
    wait_for(rds, "struck", "stopped")
    rds.start_db_instance(**name)
    with connect(rds_sandbox.environment, wait_for(rds, "struck", "available"), password=password) as connection:
        assert (7,) == connection.execute("SELECT it FROM kept").fetchone()
    kill_during(rds, data, "backing-up", lambda: rds.create_db_snapshot(**name, DBSnapshotIdentifier="struck"))
    rds.get_waiter("db_snapshot_available").wait(DBSnapshotIdentifier="struck", WaiterConfig={"Delay": 1})
    rds_sandbox.reset()


def test_one_that_is_killed_while_it_recovers_is_started_again(rds_sandbox: Sandbox) -> None:
    """As soon as the next server has written its number, it is killed, too."""
    rds = rds_sandbox.client("rds")
    create(rds_sandbox, "twice")
    data = data_of(rds_sandbox, "twice")
    first = int((data / "postmaster.pid").read_text().split()[0])
    kill(data)
    struck = False
    while not struck:
        with suppress(OSError, IndexError):  # it is being written
            number = int((data / "postmaster.pid").read_text().split()[0])
            struck = number != first
    os.kill(number, signal.SIGKILL)
    found = wait_for(rds, "twice", "available")

    with connect(rds_sandbox.environment, found) as connection:
        assert (1,) == connection.execute("SELECT 1").fetchone()
    rds_sandbox.reset()


def test_one_that_cannot_be_started_has_failed(rds_sandbox: Sandbox, slow: None) -> None:
    """Its disk is broken: it is not available, an event says so, and it can be deleted."""
    rds = rds_sandbox.client("rds")
    create(rds_sandbox, "broken")
    data = data_of(rds_sandbox, "broken")
    (data / "global/pg_control").unlink()
    kill(data)
    wait_for(rds, "broken", "failed")
    category, message = said(rds, "broken")[-1]
    rds.delete_db_instance(DBInstanceIdentifier="broken", SkipFinalSnapshot=True)

    assert "failure" == category
    assert message.startswith("The DB instance has failed while it was recovered: postgres ended while starting")


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A disk of its own, which a test may fill; its name is short, as the path of a socket must be."""
    disk = Path(tempfile.mkdtemp(prefix="disk-", dir="/tmp"))
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=600m,mode=755", "none", disk], capture_output=True, check=False)
    if made.returncode:
        disk.rmdir()
        pytest.skip("a disk of its own takes the right to mount one: run it as root")
    yield disk
    subprocess.run(["umount", "--lazy", disk], check=True)
    disk.rmdir()


def test_a_full_disk_is_told(small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The status is storage-full until there is room again; then it is available, with its data.

    Until then it takes more storage, and nothing else (RDS User Guide, "Amazon RDS DB instance running out of storage").
    """
    monkeypatch.setenv("RDS_SANDBOX_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("TMPDIR", str(small_disk))
    monkeypatch.setattr("tempfile.tempdir", str(small_disk))
    control.up("full")
    try:
        it = control.find("full")
        rds = it.client("rds")
        instance = create(it, "full")
        with connect(it.environment, instance) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS it")
        free = psutil.disk_usage(str(small_disk)).free
        subprocess.run(["fallocate", "-l", str(free - LEAST_BYTES // 2), small_disk / "ballast"], check=True)
        wait_for(rds, "full", "storage-full")
        told = said(rds, "full")[-2:]
        for change in ({"DBInstanceClass": "db.t4g.small"}, {"AllocatedStorage": 20}, {"MasterUserPassword": PASSWORD}):
            assert "InvalidDBInstanceState" == refused(
                rds.modify_db_instance, DBInstanceIdentifier="full", **change, ApplyImmediately=True
            )
        answer = rds.modify_db_instance(DBInstanceIdentifier="full", AllocatedStorage=30, ApplyImmediately=True)["DBInstance"]
        assert ("storage-full", 20, 30) == (
            answer["DBInstanceStatus"], answer["AllocatedStorage"], answer["PendingModifiedValues"]["AllocatedStorage"],
        )  # fmt: skip
        (small_disk / "ballast").unlink()
        found = wait_for(rds, "full", "available")
        with connect(it.environment, found) as connection:
            assert (7,) == connection.execute("SELECT it FROM kept").fetchone()
        assert 30 == found["AllocatedStorage"]
    finally:
        control.down("full")

    assert FULL == told
