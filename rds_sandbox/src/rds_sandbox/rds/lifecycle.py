"""The life of a DB instance: created, stopped, started, rebooted, deleted."""

from datetime import timedelta
from typing import Any

from moto.core.utils import utcnow
from moto.rds.exceptions import InvalidParameterCombination

from rds_sandbox.patches import Request, action
from rds_sandbox.postgres import Server, roles
from rds_sandbox.rds import backups, creation, facts, log_exports, replicas, snapshots, validation
from rds_sandbox.rds.backend import FULL, MODIFIABLE, wrong_state
from rds_sandbox.rds.instances import INCOMPATIBLE, SandboxDBInstance
from rds_sandbox.rds.requests import attributes, filters, given, paged
from rds_sandbox.rds.snapshots import SandboxDBSnapshot
from rds_sandbox.tables import limits

PROTECTED = "Cannot delete protected DB Instance, please disable deletion protection and try again."
STOPPED_FOR = timedelta(days=limits("rds")["stopped_days"])


@action("rds", "CreateDBInstance")
def create(request: Request) -> dict[str, Any]:
    """Checked as AWS checks it before anything is made."""
    asked = given(request)
    validation.check_create(asked, request.backend.region_name)
    version = validation.resolve_version(asked.get("EngineVersion"))
    pools, major = request.host.pools, facts.major(version)
    asked = request.backend.with_keys({**asked, "EngineVersion": version})
    return creation.create(request, attributes(asked), lambda: pools.of(major).take(), _prepare)


def _prepare(instance: SandboxDBInstance, server: Server) -> None:
    server.start()
    roles.create_master_user(server, str(instance.master_username), instance.current_password, instance.db_name)
    if instance.manage_master_user_password:
        instance.master_user_secret.status = "active"


@action("rds", "DescribeDBInstances")
def describe(request: Request) -> dict[str, Any]:
    """Those that the parameters and filters name."""
    asked = given(request)
    return paged({"DBInstances": request.backend.describe_db_instances(asked.get("DBInstanceIdentifier"), filters(asked))}, asked)


@action("rds", "StopDBInstance")
def stop(request: Request) -> dict[str, Any]:
    """The server ends, its data stay."""
    asked = given(request)
    instance = request.backend.find(asked["DBInstanceIdentifier"], "available")
    if instance.source or instance.followers:
        role = "is a read replica" if instance.source else "has read replicas"
        raise wrong_state(f"DB instance {instance.db_instance_identifier} {role}: it cannot be stopped.")
    steps = [("stopping", lambda: _stop(instance))]
    if "DBSnapshotIdentifier" in asked:
        snapshot = snapshots.register(request.backend, instance, asked, "DBSnapshotIdentifier")
        steps.insert(0, ("stopping", lambda: snapshot.take(instance)))
    instance.begin(steps, "stopped")
    return {"DBInstance": instance}


def _stop(instance: SandboxDBInstance) -> None:
    if instance.archive:
        instance.archive.close()
    instance.halt()
    instance.automatic_restart_time = utcnow() + STOPPED_FOR
    instance.say("stopped")


@action("rds", "StartDBInstance")
def start(request: Request) -> dict[str, Any]:
    """The server comes back with its data."""
    instance = request.backend.find(given(request)["DBInstanceIdentifier"], "stopped")
    instance.begin([("starting", lambda: _start(instance))], "available")
    return {"DBInstance": instance}


def _start(instance: SandboxDBInstance) -> None:
    instance.automatic_restart_time = None
    if instance.archive:
        instance.archive.closed = None
    instance.resume()
    instance.say("started")


@action("rds", "RebootDBInstance")
def reboot(request: Request) -> dict[str, Any]:
    """Connections end, the server starts anew; after a failover it is in the other zone."""
    asked = given(request)
    instance = request.backend.find(asked["DBInstanceIdentifier"], "available", INCOMPATIBLE)
    if asked.get("ForceFailover") and not instance.multi_az:
        raise InvalidParameterCombination("You can't force a failover for a DB instance that is not Multi-AZ.")
    work = (lambda: _fail_over(instance)) if asked.get("ForceFailover") else instance.restart
    instance.begin([("rebooting", work)], "available")
    return {"DBInstance": instance}


def _fail_over(instance: SandboxDBInstance) -> None:
    instance.say("failing_over")
    instance.availability_zone = str(instance.secondary_availability_zone)
    instance.restart()
    instance.say("failed_over")


@action("rds", "DeleteDBInstance")
def delete(request: Request) -> dict[str, Any]:
    """Protection and the rule of the final snapshot are obeyed; replicas are promoted."""
    asked = given(request)
    instance = request.backend.find(asked["DBInstanceIdentifier"], *MODIFIABLE, "stopped", "failed", FULL, INCOMPATIBLE)
    final = asked.get("FinalDBSnapshotIdentifier")
    _check_delete(instance, final, bool(asked.get("SkipFinalSnapshot")))
    snapshot = snapshots.register(request.backend, instance, asked, "FinalDBSnapshotIdentifier") if final else None
    keep = asked.get("DeleteAutomatedBackups") is False
    instance.begin([("deleting", lambda: remove(instance, snapshot, keep))], "deleted", lambda: forget(instance))
    return {"DBInstance": instance}


def _check_delete(instance: SandboxDBInstance, final_snapshot: str | None, skip: bool) -> None:
    """The rules of DeleteDBInstance (Amazon RDS API Reference)."""
    if instance.deletion_protection:
        raise InvalidParameterCombination(PROTECTED)
    if final_snapshot and instance.source:
        raise InvalidParameterCombination("FinalDBSnapshotIdentifier can not be specified when deleting a replica instance")
    if bool(final_snapshot) is skip:
        problem = "Only one of" if skip else "One of"
        raise InvalidParameterCombination(f"{problem} FinalDBSnapshotIdentifier and SkipFinalSnapshot must be given.")
    if final_snapshot and instance.status == "failed":
        raise wrong_state(f"DB instance {instance.db_instance_identifier} has failed: it has nothing to make a snapshot of.")


def remove(instance: SandboxDBInstance, final: SandboxDBSnapshot | None = None, keep_backups: bool = False) -> None:
    """End its server, after a snapshot where one is wanted; its replicas are promoted."""
    if final:
        final.take(instance)
    for replica in instance.followers:
        replicas.promote(replica)
    read_later = keep_backups or snapshots.being_made(instance.restored)
    if instance.archive and instance.machine.serving and read_later and not instance.source:  # whose WAL is its source's
        instance.archive.close()
    if instance.archive and keep_backups:
        instance.backend.retained[instance.dbi_resource_id] = instance
    else:
        backups.discard(instance)
    log_exports.export(instance, last=True)
    instance.machine.remove()
    replicas.detach(instance)
    if instance.manage_master_user_password:
        instance.master_user_secret.delete_secret()


def forget(instance: SandboxDBInstance) -> None:
    """Last of all: `deleting` is to be seen, as every other status."""
    instance.backend.databases.pop(instance.db_instance_identifier, None)  # a reset may have been quicker
    instance.say("deleted")
