"""Read replicas: instances whose servers stream from their source's, until they are promoted."""

from __future__ import annotations

from functools import partial
from typing import Any

from moto.rds.exceptions import InvalidParameterValue

from rds_sandbox import replication, roles, validation
from rds_sandbox.instances import SandboxDBInstance
from rds_sandbox.postgres import Server
from rds_sandbox.registry import MODIFIABLE, described, given, wrong_state
from rds_sandbox.restores import INHERITED, Restores

# A replica has its source's groups too, in the same region (API Reference, CreateDBInstanceReadReplica).
COPIED = (*INHERITED, "db_parameter_group_name", "publicly_accessible", "vpc_security_group_ids")
MOST_REPLICAS = 15


class Replicas(Restores):
    """The actions on read replicas."""

    def create_db_instance_read_replica(self, db_kwargs: Any) -> SandboxDBInstance:
        """CreateDBInstanceReadReplica: a standby server that streams from the source's."""
        asked = given(db_kwargs.original_dict())
        source = self._source_of_replica(str(asked.get("SourceDBInstanceIdentifier", "")))
        validation.check_restore(asked, described(source), self.region_name)
        copied = {name: getattr(source, name) for name in COPIED}
        copied |= {"backup_retention_period": 0, "copy_tags_to_snapshot": False}
        copied["db_subnet_group_name"] = source.db_subnet_group.name
        replica = self.add({**copied, **given(dict(db_kwargs.items()))})
        replica.source = source
        prepare = partial(_follow, source=source, replica=replica)
        steps = replica.creation(self.host.stock.vacant, prepare, "creation", "DB instance created")
        replica.begin(steps, "available")
        return replica

    def _source_of_replica(self, identifier: str) -> SandboxDBInstance:
        """The source, where AWS would let it have another replica."""
        source = self.find(identifier.rpartition(":")[2], *MODIFIABLE)
        name = source.db_instance_identifier
        if not source.backup_retention_period:
            raise wrong_state(f"Automated backups are not enabled for this database instance: {name}")
        if source.manage_master_user_password:
            managed = "where ManageMasterUserPassword is enabled is not supported"
            raise InvalidParameterValue(f"Creating read replicas for source instance with engine postgres {managed}.")
        if len(source.followers) >= MOST_REPLICAS:
            raise wrong_state(f"DB instance {name} already has {MOST_REPLICAS} read replicas.")
        return source

    def promote_read_replica(self, db_kwargs: Any) -> SandboxDBInstance:
        """PromoteReadReplica: the server ends its recovery, and is on its own."""
        asked = given(db_kwargs.original_dict())
        replica = self.find(asked["DBInstanceIdentifier"], *MODIFIABLE)
        if replica.source is None:
            raise wrong_state(f"DB instance {replica.db_instance_identifier} is not a read replica.")
        validation.check_ranges(asked)
        retention = asked.get("BackupRetentionPeriod", 1)
        steps = [("modifying", lambda: promote(replica))]
        replica.backup_retention_period = retention
        if retention:
            steps.append(("backing-up", replica.enable_backups))
        replica.begin(steps, "available")
        return replica


def promote(replica: SandboxDBInstance) -> None:
    """Detach a replica from its source."""
    source = replica.source
    assert source is not None
    replication.promote(replica.machine.running_server())
    replica.source = None
    _drop_slot(source, replica)
    replica.say("read replica", "Promoted Read Replica instance to a stand-alone database instance.")


def detach(replica: SandboxDBInstance) -> None:
    """The replica's server is gone: its source keeps no WAL for it."""
    if replica.source:
        _drop_slot(replica.source, replica)


def _drop_slot(source: SandboxDBInstance, replica: SandboxDBInstance) -> None:
    server = source.machine.running_server()
    if server.running:
        replication.drop_slot(server, slot(replica))


def _follow(server: Server, source: SandboxDBInstance, replica: SandboxDBInstance) -> None:
    primary = source.machine.running_server()
    if source.source is None:  # a replica has the role and its password from its own source
        roles.allow_replication(primary, replication.password(primary))
    replication.follow(server, primary, slot(replica))


def slot(replica: SandboxDBInstance) -> str:
    """The name of the slot that a replica streams from; such a name has letters, digits and underscores."""
    return "rds_" + replica.dbi_resource_id.lower().replace("-", "_")
