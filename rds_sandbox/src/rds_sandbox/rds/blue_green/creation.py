"""CreateBlueGreenDeployment: what RDS refuses, and how a green environment comes to be.

Within a major version the green instance is a standby that streams from the blue one; for another major the copy is upgraded,
and takes the changes by logical replication ("PostgreSQL replication methods for blue/green deployments").
"""

import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

from moto.rds.exceptions import BlueGreenDeploymentAlreadyExistsFault, RDSClientError

from rds_sandbox.patches import Request, action
from rds_sandbox.postgres import Server, logical
from rds_sandbox.rds import backups, changes, creation, facts, modifications, replicas, storage_rules, upgrades, validation
from rds_sandbox.rds.backend import MODIFIABLE, SandboxRDSBackend, described
from rds_sandbox.rds.blue_green.deployments import AVAILABLE, COMPLETED, PROVISIONING, Deployment, drawn
from rds_sandbox.rds.instances import FAILURES, SandboxDBInstance, Work
from rds_sandbox.rds.requests import attributes, given

REPLICA, UPGRADE, BACKUPS = "CREATING_READ_REPLICA_OF_SOURCE", "DB_ENGINE_VERSION_UPGRADE", "CONFIGURE_BACKUPS"
TOPOLOGY = "CREATING_TOPOLOGY_OF_SOURCE"
STREAMING_SECONDS, POLL_SECONDS = 60, 0.02
# "the green environment includes the features used by the DB instance" (Overview of Amazon RDS Blue/Green Deployments)
COPIED = (
    *replicas.COPIED, "ca_certificate_identifier", "deletion_protection", "enable_iam_database_authentication", "kms_key_id",
    "database_insights_mode", "max_allocated_storage", "monitoring_interval", "monitoring_role_arn", "multi_az",
    "performance_insights_retention_period", "tags",
)  # fmt: skip
SETTINGS = ("AllocatedStorage", "DBInstanceClass", "Iops", "StorageThroughput", "StorageType")  # asked for as "Target..."
LOGICAL_OFF = (
    "Blue/Green Deployments require a DB instance with logical replication enabled. Before you create a Blue/Green Deployment "
    "for a DB instance, associate the DB instance with a custom DB instance parameter group that enables logical replication"
)


@action("rds", "CreateBlueGreenDeployment")
def create(request: Request) -> dict[str, Any]:
    """Checked before anything is made; the green environment comes to be while the status is PROVISIONING."""
    asked, backend = given(request), request.backend
    name = asked["BlueGreenDeploymentName"]
    if any(each.name == name for each in backend.blue_green_deployments.values()):
        raise BlueGreenDeploymentAlreadyExistsFault(name)
    blue = _source(backend, asked["Source"])
    version = validation.resolve_upgrade(asked.get("TargetEngineVersion"), blue.engine_version, allow_major=True)
    major = changes.is_major(version, blue.engine_version)
    _check(blue, major)
    if major:
        upgrades.require(blue, version)
    # Of another major: the User Guide does not say; the default one is what terraform-provider-aws #49132 reports of MySQL.
    same = f"default.{facts.family(facts.major(version))}" if major else blue.parameter_group_name
    group = asked.get("TargetDBParameterGroupName") or same
    backend.require_parameter_group(group, version)
    settings = {name: asked[f"Target{name}"] for name in SETTINGS if f"Target{name}" in asked}
    validation.check_copy(settings, described(blue), version, backend.region_name)

    upgraded, followed = version != blue.engine_version, bool(blue.followers)
    tasks = [REPLICA, *[UPGRADE] * upgraded, BACKUPS, *[TOPOLOGY] * followed]
    deployment = Deployment(backend, name, blue, tasks, asked.get("Tags"))
    answer = {"BlueGreenDeployment": deployment.described()}
    wanted = {"EngineVersion": version, "DBParameterGroupName": group}
    threading.Thread(target=_provision, args=(request, deployment, wanted, settings), daemon=True).start()
    return answer


def _source(backend: SandboxRDSBackend, arn: str) -> SandboxDBInstance:
    here = f"arn:{backend.partition}:rds:{backend.region_name}:{backend.account_id}"
    if arn.startswith(f"{here}:cluster:"):
        raise RDSClientError("DBClusterNotFoundFault", f"DBCluster {arn} not found.")
    return backend.find(arn.removeprefix(f"{here}:db:"), *MODIFIABLE)


def _check(blue: SandboxDBInstance, major: bool) -> None:
    say = "Blue/green deployments"
    deployments = [each for each in blue.backend.blue_green_deployments.values() if each.status != COMPLETED]
    problems = {
        "The source DB instance belongs to another blue/green deployment": any(blue in each.members for each in deployments),
        f"{say} don't support managing master user passwords with AWS Secrets Manager": blue.manage_master_user_password,
        f"{say} require automated backups to be enabled": not blue.backup_retention_period,
        "The source DB instance of a blue/green deployment can't be a read replica": blue.source,
        f"{say} don't support cascading read replicas": any(each.followers for each in blue.followers),
    }
    if major:
        oldest = facts.tables()["blue_green"]["oldest"].get(str(facts.major(blue.engine_version)), 0)
        old, lags = facts.minor(blue.engine_version) < oldest, blue.parameter_apply_status != "in-sync"
        problems |= {
            f"{say} don't support major version upgrades from {blue.engine_version}": old,
            LOGICAL_OFF: blue.parameters.get("rds.logical_replication") != "1",
            f"{say} require that the DB instance be in sync with the DB parameter group": lags,
        }
    for message, holds in problems.items():
        if holds:
            raise RDSClientError("SourceDatabaseNotSupportedFault", f"{message}.")


def _provision(request: Request, deployment: Deployment, wanted: Mapping[str, str], settings: Mapping[str, Any]) -> None:
    """Make the green environment; whatever goes wrong shows in the status and in an event."""
    try:
        _make_all(request, deployment, wanted, settings)
        if deployment.status == PROVISIONING:
            deployment.say("deployment_ready")
            deployment.enter(AVAILABLE)
    except Exception as error:
        deployment.fail(str(error))
        if not isinstance(error, FAILURES):
            raise


def _make_all(request: Request, deployment: Deployment, wanted: Mapping[str, str], settings: Mapping[str, Any]) -> None:
    blue = deployment.blue
    followers = blue.followers
    if blue.machine.running_server().ask("external_replication", slots=[], own="")[0][0]:
        deployment.fail("of external replication on the blue primary instance")
        return
    if wanted["EngineVersion"] == blue.engine_version:
        settings = {**settings, "DBParameterGroupName": wanted["DBParameterGroupName"]}

    def more(green: SandboxDBInstance) -> Iterator[tuple[str, Work]]:
        deployment.pairs[0] = (blue, green)
        if UPGRADE in deployment.tasks:
            yield "upgrading", lambda: deployment.task(UPGRADE, lambda: _upgrade(deployment, wanted))
        yield "backing-up", lambda: deployment.task(BACKUPS, lambda: _back_up(green))

    def prepare(green: SandboxDBInstance, server: Server) -> None:
        deployment.task(REPLICA, lambda: replicas.follow(green, server))

    _copy(request, blue, blue, settings, prepare, more)
    _finish(deployment, deployment.green)
    if followers:
        deployment.task(TOPOLOGY, lambda: _follow(request, deployment, followers))
    deadline = time.monotonic() + STREAMING_SECONDS
    while deployment.status == PROVISIONING and not deployment.streaming:
        if time.monotonic() > deadline:
            deployment.fail("of replication that does not begin")
        time.sleep(POLL_SECONDS)


def _back_up(green: SandboxDBInstance) -> None:
    """A standby archives nothing that a restore could use: its backups begin when it is none any longer."""
    if not green.source:
        backups.enable(green)


def _follow(request: Request, deployment: Deployment, followers: list[SandboxDBInstance]) -> None:
    for replica in followers:
        green = deployment.green
        same = {"EngineVersion": green.engine_version, "DBParameterGroupName": green.db_parameter_group_name}
        made = _copy(request, replica, green, same, replicas.follow, lambda _: ())
        deployment.pairs.append((replica, made))
        _finish(deployment, made)


def _copy(
    request: Request, blue: Any, source: Any, settings: Mapping[str, Any], prepare: creation.Prepare, more: creation.More
) -> SandboxDBInstance:
    """Begin an instance like the blue one, which streams from a source."""
    copied = {name: getattr(blue, name) for name in COPIED} | {"db_subnet_group_name": blue.db_subnet_group.name}
    copied |= attributes(storage_rules.provisioned(settings, described(blue))) | {
        "enable_performance_insights": blue.performance_insights_enabled,
        "enable_cloudwatch_logs_exports": blue.enabled_cloudwatch_logs_exports or [],
        "master_user_password": blue._master_user_password,
    }
    copied["db_instance_identifier"] = f"{blue.db_instance_identifier}-green-{drawn(6)}"
    pool = request.host.pools.of_data(source.machine.running_server().data)
    wanted = {**copied, **attributes(settings)}
    made: SandboxDBInstance = creation.create(request, wanted, pool.vacant, prepare, source=source, more=more)["DBInstance"]
    return made


def _finish(deployment: Deployment, green: SandboxDBInstance) -> None:
    while green.status not in ("available", "failed", "storage-full") and not green.machine.removed:
        time.sleep(POLL_SECONDS)
    if green.status != "available" and deployment.status == PROVISIONING:
        deployment.fail(f"the DB instance {green.db_instance_identifier} is {green.status}")


def _upgrade(deployment: Deployment, wanted: Mapping[str, str]) -> None:
    """To a minor version; or to a major one, after which the changes come by logical replication."""
    blue, green = deployment.blue, deployment.green
    if not changes.is_major(wanted["EngineVersion"], green.engine_version):
        modifications.upgrade(green, wanted)
        return
    position = _part(deployment)
    modifications.upgrade(green, wanted)
    server = green.machine.running_server()
    if green.engine_version != wanted["EngineVersion"]:
        green.restart()
        deployment.fail(f"the DB instance {green.db_instance_identifier} could not be upgraded")
    elif server.ask("too_few_workers")[0][0]:
        deployment.fail("of incompatible parameter(s): max_logical_replication_workers, and max_worker_processes")
    else:
        logical.subscribe(server, blue.machine.running_server(), deployment.replication_name, deployment.slots, position)


def _part(deployment: Deployment) -> str:
    """Make the standby a server of its own, whose data end where the logical slots begin: that position."""
    blue, green = deployment.blue, deployment.green
    source = blue.machine.running_server()
    green.halt()
    deployment.slots, position = logical.publish(source, deployment.replication_name)
    deployment.known = logical.fingerprints(source, deployment.slots)
    logical.end_recovery(green.machine.running_server(), position)
    replicas.detach(green)
    green.source, green.read_only = None, True
    return position
