"""The instance's whole life through the package, on a real sandbox: what works, and each wrong input with its sentence."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner, Result

from cruddur_ops import aws, calls, database, network, rds
from cruddur_ops.calls import Call
from cruddur_ops.cli import main
from cruddur_ops.errors import ConfirmationRequired, InstanceNotReady, InUse, NotOffered, OpsError, WrongInput
from cruddur_ops.rds import inventory, restores
from cruddur_ops.target import Target
from tests.sandbox.support import make_client, make_group, tcp
from tests.unit.headless import until

IDENTIFIER = "cruddur-db-instance"


@pytest.fixture(scope="module")
def shared(module_target: Target) -> Target:
    """The target `local`, with an instance that is as wanted, and data; its tests leave it so."""
    provision(module_target)
    network.plan_access(module_target).apply()
    for plan in (database.plan_create, database.plan_roles, database.plan_schema, database.plan_seed):
        plan(module_target).apply()
    return module_target


def provision(target: Target) -> None:
    """What 01 does."""
    rds.plan_group(target).apply()
    rds.plan_instance(target).apply()


def run(*arguments: str) -> Result:
    """The command line."""
    return CliRunner().invoke(main, arguments)


def make(target: Target, operation: str, **parameters: object) -> None:
    """Make a call as a plan would, whatever the plans would say."""
    calls.send(target, Call("rds", operation, parameters))


def test_drift_has_an_exit_code(shared: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """0 where nothing differs, 2 where something does, by its name; 1 where nobody can tell."""
    assert 0 == run("rds", "modify", "--plan").exit_code
    monkeypatch.setenv("CRUDDUR_BACKUP_RETENTION_PERIOD", "3")
    found = run("rds", "modify", "--plan")
    assert (2, True) == (found.exit_code, "BackupRetentionPeriod = 7 -> 3" in found.stdout)
    assert (1, 1) == (
        (failed := run("rds", "modify", "--plan", "--target", "nowhere")).exit_code,
        len(failed.stderr.splitlines()),
    )


def test_the_status_table(shared: Target) -> None:
    """One command, every line with a value; no password is in it."""
    shown = run("rds", "status").stdout
    for name in ("status", "connections", "storage", "backups", "certificate", "maintenance", "event", "log"):
        assert f"\n{name} " in f"\n{shown}", name
    assert "unknown" not in shown
    assert run("rds", "logs", "--lines", "3").stdout.count("\n") == 3


def test_stop_and_start(shared: Target) -> None:
    """Both wait; a second time nothing changes, and it is said why. The data are the same."""
    counts = database.counts(shared)
    with idle_function(shared):
        stopped = run("rds", "stop").stdout
    assert "also the one that the function keeps idle" in stopped
    assert "status = available -> stopped" in stopped
    assert stopped.endswith("verified: DB instance cruddur-db-instance is as wanted\n")
    again = run("rds", "stop")
    assert (0, True) == (again.exit_code, "is stopped already" in again.stdout)
    assert "starts by itself" in run("rds", "status").stdout
    assert "1 changed" in run("rds", "start").stdout
    assert "runs already" in run("rds", "start").stdout
    assert counts == database.counts(shared)


def test_whatever_rds_is_doing_is_waited_for(shared: Target) -> None:
    """A stop that is under way ends in "stopped", a start in "available"; at rest there is no wait."""
    for operation, status in (("stop_db_instance", "stopped"), ("start_db_instance", "available")):
        make(shared, operation, DBInstanceIdentifier=IDENTIFIER)
        for _ in range(2):
            rds.wait_until_steady(shared, "not-there")
            found = rds.describe(shared)
            assert found
            assert status == found.status


def test_somebody_is_connected(shared: Target) -> None:
    """They are asked first; the refusal says who."""
    with database.connection.connect(shared) as connection:
        connection.execute("SELECT 1")
        with pytest.raises(InUse, match="session .* of cruddurroot on cruddur"):
            rds.plan_stop(shared, database.connected)


def test_our_own_that_are_about_to_go_are_waited_for(shared: Target) -> None:
    """The kernel of the notebook before ends while the next one runs, and its session with it."""
    connection = database.connection.connect(shared)
    ending = threading.Timer(1, connection.close)
    ending.start()
    assert () == database.connected(shared)
    ending.join()


def test_an_idle_function_counts_for_nobody(shared: Target) -> None:
    """It keeps a connection for the next user; at work it counts, and so does whoever has its name without its role."""
    with idle_function(shared) as connection:
        assert () == database.connected(shared)
        connection.execute("BEGIN")
        assert 1 == len(database.connected(shared))
    with idle_function(shared, role=""):
        assert "somebody is connected" in run("rds", "stop").stderr


@contextmanager
def idle_function(target: Target, role: str = "cruddur_app") -> Iterator[psycopg.Connection[Any]]:
    """The connection that the function keeps between two users."""
    location = database.location.locate(dataclasses.replace(target, db_role=role))
    with psycopg.connect(**{**location.parameters, "application_name": "post-confirmation"}, autocommit=True) as connection:
        yield connection


def test_a_protected_target_is_stopped_by_its_name(shared: Target) -> None:
    """Unconfirmed, nothing is stopped."""
    protected = dataclasses.replace(shared, protected=True)
    with pytest.raises(ConfirmationRequired):
        rds.plan_stop(protected).apply()
    assert "available" == rds.wait(protected).status


@pytest.mark.parametrize(
    ("setting", "value", "kind", "message"),
    [
        ("db_instance_class", "db.t4g.mikro", NotOffered, "set db_instance_class to one of db.t4g.micro"),
        ("engine_version", "18.99", NotOffered, "no PostgreSQL 18.99"),
        ("storage_type", "gp4", NotOffered, "set another storage_type"),
    ],
)
def test_modifications_that_are_not_on_offer(
    shared: Target, setting: str, value: Any, kind: type[OpsError], message: str
) -> None:
    """They are refused before anything is touched."""
    with pytest.raises(kind, match=message):
        rds.plan_instance(shared.asking("parameter", **{setting: value})).apply()
    assert "available" == rds.wait(shared).status


def test_storage_and_version_only_grow(shared: Target) -> None:
    """A smaller or older wish is no change, but said; asked for by hand, RDS refuses in its own words."""
    smaller = rds.plan_instance(shared.asking("parameter", allocated_storage=20, engine_version="17"))
    assert ((), True) == (smaller.mutating, any("newer than wanted: RDS never goes back" in fact for fact in smaller.facts))
    for parameters in ({"AllocatedStorage": 19}, {"EngineVersion": "17.6"}, {"DBInstanceClass": "db.x"}):
        with pytest.raises(WrongInput, match="AWS refuses modify_db_instance"):
            make(shared, "modify_db_instance", DBInstanceIdentifier=IDENTIFIER, ApplyImmediately=True, **parameters)


def test_a_change_that_waits_for_the_window(shared: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is accepted, shown as waiting, and no difference any more; asked for at once, it is made now."""
    monkeypatch.setenv("CRUDDUR_DB_INSTANCE_CLASS", "db.t4g.small")
    modified = run("rds", "modify", "--window")
    assert "DBInstanceClass = db.t4g.micro -> db.t4g.small  (waits for the maintenance window" in modified.stdout
    assert "DB instance cruddur-db-instance is as wanted; pending: DBInstanceClass until " in modified.stdout
    assert "DBInstanceClass" in dict(rds.look(shared).rows())["waiting for the window"]
    assert 0 == run("rds", "modify", "--plan").exit_code
    hurried = run("rds", "modify", "--at-once").stdout
    assert "DBInstanceClass = db.t4g.micro -> db.t4g.small  (at once: so far it waits" in hurried
    assert "db.t4g.small" == rds.wait(shared).db_instance_class
    monkeypatch.setenv("CRUDDUR_DB_INSTANCE_CLASS", "db.t4g.micro")
    assert "0 created, 1 changed, 0 deleted, 1 unchanged" in run("rds", "modify").stdout
    assert ("db.t4g.micro", {}) == ((found := rds.wait(shared)).db_instance_class, dict(found.pending))


def test_tags_are_reconciled(shared: Target) -> None:
    """A missing one is set; the owner stays who it was."""
    found = rds.wait(shared)
    client = aws.client(shared, "rds")
    client.remove_tags_from_resource(ResourceName=found.arn, TagKeys=["Project"])
    other = dataclasses.replace(shared, owner="bob")
    plan = rds.plan_instance(other)
    assert ["tag Project"] == [change.setting for change in plan.mutating]
    plan.apply()
    assert found.tags == rds.wait(shared).tags


@pytest.mark.parametrize(
    ("moment", "kind", "message"),
    [
        (timedelta(days=1), WrongInput, "is in the future"),
        (timedelta(days=-30), WrongInput, "begin at .*: restore an older snapshot"),
    ],
)
def test_moments_that_cannot_be_restored(shared: Target, moment: timedelta, kind: type[OpsError], message: str) -> None:
    """The plan refuses, and so would RDS, which is asked here past the plan."""
    when = datetime.now(UTC) + moment
    with pytest.raises(kind, match=message):
        rds.plan_restore_to_time(shared, when, "copy")
    with pytest.raises(WrongInput, match="AWS refuses restore_db_instance_to_point_in_time"):
        make(
            shared,
            "restore_db_instance_to_point_in_time",
            SourceDBInstanceIdentifier=IDENTIFIER,
            TargetDBInstanceIdentifier="copy",
            RestoreTime=when,
        )


def test_snapshot_names_that_are_taken(shared: Target) -> None:
    """One sentence, exit code 2."""
    assert 0 == run("rds", "snapshot", "taken").exit_code
    again = run("rds", "snapshot", "taken")
    assert (2, True) == (again.exit_code, "choose another name" in again.stderr)
    assert "taken  manual  available" in run("rds", "snapshots").stdout
    assert 0 == run("rds", "delete-snapshot", "taken").exit_code


def test_a_restore_by_the_command_line(shared: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a snapshot; the copy is as wanted, and holds what the marker tells. A copy waits for no window, if protected too."""
    database.mark(shared, "now")
    run("rds", "snapshot", "one")
    with monkeypatch.context() as patch:
        patch.setenv("CRUDDUR_TARGETS", str(tmp_path / "targets.toml"))
        (tmp_path / "targets.toml").write_text("[local]\nsandbox = true\nprotected = true\ndeletion_protection = true\n")
        restored = run("rds", "restore", "copy", "--snapshot", "one", "--confirm", IDENTIFIER)
    assert (0, True) == (restored.exit_code, restored.stdout.endswith("verified: DB instance copy is as wanted\n"))
    copy = rds.sibling(shared, "copy")
    assert not rds.plan_instance(copy).mutating
    assert database.prove(copy, "now").holds
    again = run("rds", "restore", "copy", "--snapshot", "one")
    assert (0, True) == (again.exit_code, "is available already" in again.stdout)
    for arguments in (("delete", "copy"), ("delete-snapshot", "one")):
        assert 0 == run("rds", *arguments).exit_code
    database.forget_markers(shared)
    assert restores.window(shared, rds.wait(shared)) is not None


def test_a_missing_snapshot(shared: Target) -> None:
    """The plan can be shown, and not made."""
    plan = rds.plan_restore(shared, "missing", "copy")
    assert "known after the snapshot, which is not there" in plan.changes[0].note
    with pytest.raises(InstanceNotReady, match="known after the snapshot"):
        plan.apply()


def test_a_replica_and_its_source(shared: Target) -> None:
    """Refused until the password is our own; then it follows, neither of the two can be stopped, and it can be promoted."""
    refused = run("rds", "replica", "copy")
    assert (1, True) == (refused.exit_code, "rds own-password" in refused.stderr)
    before = inventory.secrets(shared)
    assert 0 == run("rds", "own-password").exit_code
    assert 0 == run("rds", "replica", "copy").exit_code
    copy = rds.sibling(shared, "copy")
    database.mark(shared, "written on the original")
    database.wait_until_caught_up(shared, copy)
    assert "written on the original" in [one.label for one in database.markers(copy)]
    assert "replica of cruddur-db-instance" in dict(rds.look(copy).rows())["replication"]
    for target in (shared, copy):
        with pytest.raises(WrongInput, match="read replica"):
            rds.plan_stop(target)
    with pytest.raises(WrongInput, match="while it replicates"):
        rds.plan_managed(shared)
    assert 0 == run("rds", "promote", "copy").exit_code
    assert not rds.plan_instance(copy).mutating
    for arguments in (("delete", "copy"), ("managed-password",)):
        assert 0 == run("rds", *arguments).exit_code
    database.forget_markers(shared)
    assert before == inventory.secrets(shared)


@pytest.mark.usefixtures("slow")
def test_delete_while_creating(target: Target) -> None:
    """The plan refuses; so does RDS."""
    rds.plan_group(target).apply()
    [creation] = rds.plan_instance(target).mutating
    calls.send(target, creation.calls[0])
    with pytest.raises(InstanceNotReady, match="is creating, and RDS would not delete it"):
        rds.plan_teardown(target, "none")
    rds.wait(target)


def test_without_backups_there_is_no_moment(target: Target) -> None:
    """Retention 0: the sentence names the other way."""
    bare = dataclasses.replace(target, backup_retention_period=0)
    provision(bare)
    with pytest.raises(InstanceNotReady, match="keeps no backups, .*restore a snapshot"):
        rds.plan_restore_to_time(bare, datetime.now(UTC), "copy")
    with pytest.raises(InstanceNotReady, match="keeps no backups"):
        rds.wait_until_restorable(bare, datetime.now(UTC))


def test_a_protected_instance_is_torn_down_by_its_name(target: Target, sandbox: Mapping[str, str]) -> None:
    """Without it nothing is changed; with it all goes, and the proof is empty but for the last snapshot."""
    protected = dataclasses.replace(target, deletion_protection=True, instance_days=3)
    provision(protected)
    rds.plan_stop(protected, keep=True).apply()
    rds.plan_start(protected).apply()
    network.plan_access(protected).apply()
    watched = run("rds", "alarms", "--confirm", IDENTIFIER)
    assert (0, True) == (watched.exit_code, "DatabaseConnections = above" in watched.stdout), watched.stderr
    refused = run("rds", "teardown", "--final-snapshot", "last")
    assert (2, True) == (refused.exit_code, f"--confirm {IDENTIFIER}" in refused.stderr)
    assert make_client(sandbox, "rds").describe_db_instances()["DBInstances"]
    ec2 = make_client(sandbox, "ec2")
    [group] = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": [f"{IDENTIFIER}-access"]}])["SecurityGroups"]
    theirs = make_group(ec2, "theirs", tcp(5432, UserIdGroupPairs=[{"GroupId": group["GroupId"]}]))
    done = run("rds", "teardown", "--final-snapshot", "last", "--confirm", IDENTIFIER)
    assert (0, True, 3) == (done.exit_code, "rds:snapshot last" in done.stdout, done.stdout.count("- CloudWatch alarm ")), (
        done.stderr
    )
    assert [] == make_client(sandbox, "cloudwatch").describe_alarms()["MetricAlarms"]
    left = [("ec2:security-group", group["GroupId"]), ("rds:snapshot", "last")]
    assert left == [(one.kind, one.name) for one in rds.leftovers(target)]
    assert "nothing of cruddur-db-instance is left but 2 that were kept" in repr(rds.verify_gone(target))
    ec2.delete_security_group(GroupId=theirs)
    again = run("rds", "teardown", "--final-snapshot", "none")
    assert (0, True) == (again.exit_code, "1 deleted" in again.stdout)
    assert ["default"] == [group["GroupName"] for group in ec2.describe_security_groups()["SecurityGroups"]]


def test_log_groups_that_did_not_come_with_the_instance(target: Target, sandbox: Mapping[str, str]) -> None:
    """One that was there before stays; one of an instance that is gone is named as left; that of the instance goes."""
    logs = make_client(sandbox, "logs")
    kept = [f"/aws/rds/instance/{IDENTIFIER}/upgrade", f"/aws/rds/instance/{IDENTIFIER}-rehearsal/postgresql"]
    for name in kept:
        logs.create_log_group(logGroupName=name)
    provision(target)
    until(lambda: bool(logs.describe_log_groups(logGroupNamePrefix=f"/aws/rds/instance/{IDENTIFIER}/p")["logGroups"]))

    rds.plan_teardown(target, "none").apply()

    assert sorted(kept) == [one["logGroupName"] for one in logs.describe_log_groups()["logGroups"]]
    assert sorted(kept) == sorted(one.name for one in rds.leftovers(target) if one.kind == "logs:log-group")


def test_what_is_past_its_date(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over all regions that are named; each with the command that removes it."""
    for region in ("ca-central-1", "eu-west-1"):
        there = dataclasses.replace(target, region=region, instance_days=1)
        rds.plan_group(there).apply()
    assert "nothing in ca-central-1 is past its date\n" == run("expired").stdout
    monkeypatch.setattr("cruddur_ops.tags.today", lambda: datetime.now(UTC).date() + timedelta(days=3))
    shown = run("expired", "--region", "ca-central-1", "--region", "eu-west-1").stdout
    assert 2 == shown.count("2 days over")
    assert "aws ec2 delete-security-group --group-id sg-" in shown
    assert "--region eu-west-1" in shown
