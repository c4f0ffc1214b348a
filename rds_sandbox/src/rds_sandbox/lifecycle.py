"""The life of a DB instance: created, stopped, started, rebooted, deleted."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from moto.core.utils import utcnow
from moto.rds.exceptions import InvalidParameterCombination

from rds_sandbox import replicas, roles, validation
from rds_sandbox.instances import SandboxDBInstance
from rds_sandbox.maintenance import Maintenance
from rds_sandbox.postgres import Server
from rds_sandbox.registry import MODIFIABLE, given, wrong_state
from rds_sandbox.snapshots import SandboxDBSnapshot, copy_instance

STOPPED_FOR = timedelta(days=7)  # then AWS starts it (RDS User Guide, "Stopping an Amazon RDS DB instance temporarily")


class Lifecycle(Maintenance):
    """The actions on a whole instance."""

    def create_db_instance(self, db_kwargs: Any) -> SandboxDBInstance:
        """CreateDBInstance, checked as AWS checks it before anything is made."""
        validation.check_create(given(db_kwargs.original_dict()), self.region_name)
        parameters = given(dict(db_kwargs.items()))
        parameters["engine_version"] = validation.resolve_version(parameters.get("engine_version"))
        instance = self.add(parameters)

        def prepare(server: Server) -> None:
            server.start()
            roles.create_master_user(server, str(instance.master_username), instance.current_password, instance.db_name)

        steps = instance.creation(self.host.stock.take, prepare, "creation", "DB instance created")
        instance.begin(steps, "available")
        return instance

    def stop_db_instance(self, db_instance_identifier: str, db_snapshot_identifier: str | None = None) -> SandboxDBInstance:
        """StopDBInstance: the server ends, its data stay."""
        instance = self.find(db_instance_identifier, "available")
        if instance.source or instance.followers:
            role = "is a read replica" if instance.source else "has read replicas"
            raise wrong_state(f"DB instance {db_instance_identifier} {role}: it cannot be stopped.")
        steps = [("stopping", lambda: _stop(instance))]
        if db_snapshot_identifier:
            snapshot = self.register_snapshot(instance, db_snapshot_identifier, "manual")
            steps.insert(0, ("stopping", lambda: copy_instance(instance, snapshot)))
        instance.begin(steps, "stopped")
        return instance

    def start_db_instance(self, db_instance_identifier: str) -> SandboxDBInstance:
        """StartDBInstance: the server comes back with its data."""
        instance = self.find(db_instance_identifier, "stopped")
        instance.begin([("starting", lambda: _start(instance))], "available")
        return instance

    def reboot_db_instance(self, db_instance_identifier: str) -> SandboxDBInstance:
        """RebootDBInstance: connections end, the server starts anew."""
        instance = self.find(db_instance_identifier, "available")
        instance.begin([("rebooting", instance.restart)], "available")
        return instance

    def delete_db_instance(
        self,
        db_instance_identifier: str,
        final_db_snapshot_identifier: str | None = None,
        skip_final_snapshot: bool | None = False,
        delete_automated_backups: bool | None = True,
        **_: Any,
    ) -> SandboxDBInstance:
        """DeleteDBInstance: protection and the rule of the final snapshot are obeyed; replicas are promoted."""
        instance = self.find(db_instance_identifier, *MODIFIABLE, "stopped", "failed")
        check_delete(instance, final_db_snapshot_identifier, bool(skip_final_snapshot))
        final = final_db_snapshot_identifier
        snapshot = self.register_snapshot(instance, final, "manual") if final else None
        keep = not delete_automated_backups
        instance.begin([("deleting", lambda: self._delete(instance, snapshot, keep))], None)
        return instance

    def _delete(self, instance: SandboxDBInstance, final: SandboxDBSnapshot | None, keep_backups: bool) -> None:
        if final:
            copy_instance(instance, final)
        for replica in instance.followers:
            replicas.promote(replica)
        if instance.archive and keep_backups:
            if instance.machine.serving:
                instance.archive.close()
            self.retained[instance.dbi_resource_id] = instance
        else:
            self.discard_backups(instance)
        instance.machine.remove()
        replicas.detach(instance)
        if instance.manage_master_user_password:
            instance.master_user_secret.delete_secret()
        del self.databases[instance.db_instance_identifier]
        instance.status = "deleted"
        instance.say("deletion", "DB instance deleted")

    def reset(self) -> None:
        """/moto-api/reset: no server is left running, no backup on disk."""
        for instance in [*self.instances(), *self.retained.values()]:
            instance.machine.remove()
            self.discard_backups(instance)
        self.discard_snapshots(found for found in self.database_snapshots.values() if isinstance(found, SandboxDBSnapshot))
        super().reset()


def _stop(instance: SandboxDBInstance) -> None:
    if instance.archive:
        instance.archive.close()
    instance.halt()
    instance.automatic_restart_time = utcnow() + STOPPED_FOR
    instance.say("notification", "DB instance stopped")


def _start(instance: SandboxDBInstance) -> None:
    instance.resume()
    instance.automatic_restart_time = None
    if instance.archive:
        instance.archive.closed = None
    instance.say("notification", "DB instance started")


def check_delete(instance: SandboxDBInstance, final_snapshot: str | None, skip: bool) -> None:
    """The rules of DeleteDBInstance (Amazon RDS API Reference)."""
    if instance.deletion_protection:
        raise InvalidParameterCombination(
            "Cannot delete protected DB Instance, please disable deletion protection and try again."
        )
    if final_snapshot and instance.source:
        raise InvalidParameterCombination("FinalDBSnapshotIdentifier can not be specified when deleting a replica instance")
    if bool(final_snapshot) is skip:
        problem = "Only one of" if skip else "One of"
        raise InvalidParameterCombination(f"{problem} FinalDBSnapshotIdentifier and SkipFinalSnapshot must be given.")
    if final_snapshot and instance.status == "failed":
        raise wrong_state(f"DB instance {instance.db_instance_identifier} has failed: it has nothing to make a snapshot of.")
