"""Read replicas: instances whose servers stream from their source's, until they are promoted."""

from typing import Any

from moto.rds.exceptions import InvalidParameterCombination, InvalidParameterValue, RDSClientError
from moto.rds.models import rds_backends

from rds_sandbox.errors import NotInSandbox
from rds_sandbox.folders import discard
from rds_sandbox.patches import Request, action
from rds_sandbox.postgres import Server, replication, roles
from rds_sandbox.rds import backups, creation, facts, parameter_groups, storage_rules, validation, windows
from rds_sandbox.rds.backend import MODIFIABLE, described, wrong_state
from rds_sandbox.rds.instances import SandboxDBInstance
from rds_sandbox.rds.requests import attributes, given
from rds_sandbox.rds.restores import INHERITED
from rds_sandbox.tables import limits

CASCADE = limits("rds")["cascade"]

# A replica has its source's groups too, in the same region (API Reference, CreateDBInstanceReadReplica), and its type of storage
# (User Guide, "Working with DB instance read replicas", "Read replica storage types"; the API Reference says gp3).
COPIED = (*INHERITED, "db_parameter_group_name", "publicly_accessible", "vpc_security_group_ids")


@action("rds", "CreateDBInstanceReadReplica")
def create(request: Request) -> dict[str, Any]:
    """A standby server that streams from the source's."""
    asked = request.backend.with_keys(given(request))
    if "SourceDBInstanceIdentifier" not in asked:
        raise InvalidParameterCombination("SourceDBInstanceIdentifier or SourceDBClusterIdentifier must be specified.")
    source = _source(request, asked["SourceDBInstanceIdentifier"])
    before = described(source)
    asked = storage_rules.meant(asked, before, copied=True)
    validation.check_restore(asked, before, request.backend.region_name)
    if asked.get("KmsKeyId") and not source.storage_encrypted:  # the words of the API Reference; the code is not verified
        raise InvalidParameterCombination("You can't create an encrypted read replica from an unencrypted DB instance.")
    copied = {name: getattr(source, name) for name in COPIED}
    copied |= {"backup_retention_period": 0, "copy_tags_to_snapshot": False}
    group = _subnet_group(source, asked.get("DBSubnetGroupName"))
    copied["db_subnet_group_name"] = group.name
    if group.vpc_id != source.db_subnet_group.vpc_id:  # another VPC has its own security groups
        del copied["vpc_security_group_ids"]
    pool = request.host.pools.of_data(source.machine.running_server().data)
    asked = {**storage_rules.provisioned(asked, before), **asked}
    return creation.create(request, {**copied, **attributes(asked)}, pool.vacant, follow, source=source)


def _source(request: Request, identifier: str) -> SandboxDBInstance:
    here = request.backend
    regions = [each for each in list(rds_backends[here.account_id].values()) if each is not here]
    if any(identifier == instance.db_instance_arn for region in regions for instance in region.databases.values()):
        raise NotInSandbox("a read replica in another region than its source's is not in the sandbox: create it in the same")
    name = identifier.removeprefix(f"arn:{here.partition}:rds:{here.region_name}:{here.account_id}:db:")
    source: SandboxDBInstance = here.find(name, *MODIFIABLE)
    name = source.db_instance_identifier
    require_cascade(source.engine_version, _level(source))
    if not source.backup_retention_period:
        raise wrong_state(f"Automated backups are not enabled for this database instance: {name}")
    if source.manage_master_user_password:
        managed = "where ManageMasterUserPassword is enabled is not supported"
        raise InvalidParameterValue(f"Creating read replicas for source instance with engine postgres {managed}.")
    if len(source.followers) >= (most := facts.tables()["quotas"]["ReadReplicasPerMaster"]):
        raise wrong_state(f"DB instance {name} already has {most} read replicas.")
    return source


def _subnet_group(source: SandboxDBInstance, name: str | None) -> Any:
    """The one asked for, or the source's; all replicas of a source are in one VPC (API Reference, DBSubnetGroupName)."""
    group = source.backend.describe_db_subnet_groups(name)[0] if name else source.db_subnet_group
    if any(each.db_subnet_group.vpc_id != group.vpc_id for each in source.followers):
        where = f"the other read replicas of {source.db_instance_identifier}"
        message = f"The DB subnet group {group.name} is in another VPC than {where}: name one of theirs."
        raise RDSClientError("InvalidDBSubnetGroupFault", message)
    return group


def require_cascade(version: str, level: int) -> None:
    """Refuse another replica in a chain that is too long, or of a version that has no chains; the code is not verified.

    The version is the source's, the level how many replicas there are from the first source to this one, itself included.
    """
    if level and facts.major(version) < CASCADE["oldest_major"]:
        raise wrong_state(f"PostgreSQL {version} has no read replicas of read replicas: create it from the first source.")
    if level >= CASCADE["replicas"]:
        raise wrong_state(f"A chain has {level} read replicas at most: create it from one that is nearer to the first source.")


def _level(instance: SandboxDBInstance) -> int:
    return 1 + _level(instance.source) if instance.source else 0


def require_backups(source: SandboxDBInstance, days: int | None) -> None:
    """Refuse to disable the backups of an instance that has replicas."""
    if source.followers and days == 0:
        raise InvalidParameterCombination("Backups cannot be disabled on a DB instance that has read replicas.")


@action("rds", "PromoteReadReplica")
def promote_replica(request: Request) -> dict[str, Any]:
    """The server ends its recovery, and is on its own."""
    asked = given(request)
    replica = request.backend.find(asked["DBInstanceIdentifier"], *MODIFIABLE)
    if replica.source is None:
        raise wrong_state(f"DB instance {replica.db_instance_identifier} is not a read replica.")
    validation.check_ranges(asked)
    windows.check(replica.preferred_maintenance_window, asked.get("PreferredBackupWindow"))
    days = asked.get("BackupRetentionPeriod", 1)
    require_backups(replica, days)
    replica.pending = {**replica.pending, "BackupRetentionPeriod": days}

    def work() -> None:
        promote(replica)
        replica.backup_retention_period = days
        replica.pending = {key: value for key, value in replica.pending.items() if key != "BackupRetentionPeriod"}
        replica.preferred_backup_window = asked.get("PreferredBackupWindow", replica.preferred_backup_window)

    steps = [("modifying", work)]
    if days:
        steps.append(("backing-up", lambda: backups.enable(replica)))
    return {"DBInstance": replica.begin_later(steps, "available")}


def promote(replica: SandboxDBInstance) -> None:
    """Detach a replica from its source, once it is done with what it is at; unless it has left its source by then."""
    with replica.at_work:
        if replica.source and not replica.machine.removed:
            replication.promote(replica.machine.running_server())
            detach(replica)
            replica.source = None
            replica.say("promoted")


def detach(replica: SandboxDBInstance) -> None:
    """The replica streams no longer: its source, where it has one, keeps no WAL for it."""
    server = replica.source.machine.running_server() if replica.source else None
    if server and server.running:
        replication.drop_slot(server, slot(replica))


def rebuild(replica: SandboxDBInstance) -> None:
    """Copy the source anew, whose server is of another major version now."""
    server = replica.machine.running_server()
    replica.halt()
    discard(server.data, server.folder.parent)
    server.programs, replica.base_settings = replica.source.machine.running_server().programs, replica.source.base_settings
    parameter_groups.prepare(replica, server)
    follow(replica, server)
    replica.machine.serving = True
    replica.say("restarted")


def follow(replica: SandboxDBInstance, server: Server) -> None:
    """Start the server as a standby of the source's."""
    source = replica.source
    assert source is not None
    primary = source.machine.running_server()
    if source.source is None:  # a replica has the role and its password from its own source
        roles.allow_replication(primary, replication.password(primary))
    replication.follow(server, primary, slot(replica))
    replica.say("replicating")


def slot(replica: SandboxDBInstance) -> str:
    """The name of the slot that a replica streams from; such a name has letters, digits and underscores."""
    return "rds_" + replica.dbi_resource_id.lower().replace("-", "_")
