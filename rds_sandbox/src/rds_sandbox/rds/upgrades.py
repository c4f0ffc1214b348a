"""Upgrades to another major version: precheck, snapshot, pg_upgrade, replicas, snapshot.

Sources: Amazon RDS User Guide, "How to perform a major version upgrade for RDS for PostgreSQL" and "Viewing and listing
database log files".
"""

import os
from pathlib import Path

from moto.core.utils import utcnow
from moto.rds.exceptions import RDSClientError

from rds_sandbox.errors import NotInSandbox
from rds_sandbox.postgres import Server, ServerFailed, roles, upgrade
from rds_sandbox.rds import backups, changes, events, facts, replicas, snapshots
from rds_sandbox.rds.backend import wrong_state
from rds_sandbox.rds.instances import SandboxDBInstance


def check(instance: SandboxDBInstance, version: str) -> None:
    """Refuse an upgrade out of turn: to a major version a replica goes with its source, to a minor one before it.

    Source: RDS User Guide, "Upgrades of the RDS for PostgreSQL DB engine". The code of the first refusal is not verified; the
    second is as users of CDK and Terraform report it.
    """
    name = instance.db_instance_identifier
    if changes.is_major(version, instance.engine_version):
        if instance.source:
            source = instance.source.db_instance_identifier
            raise wrong_state(f"DB instance {name} is a read replica: it is upgraded along with its source {source}.")
        require(instance, version)
    elif version != instance.engine_version:
        behind = [each for each in instance.followers if facts.minor(each.engine_version) < facts.minor(version)]
        if behind:
            names = ", ".join(each.db_instance_identifier for each in behind)
            message = f"One or more of the DB Instance's read replicas need to be upgraded: {names}"
            raise RDSClientError("DBUpgradeDependencyFailure", message)


def require(instance: SandboxDBInstance, version: str) -> None:
    """Refuse what would only change what the API says: both majors must be on this machine."""
    before, after = facts.major(instance.engine_version), facts.major(version)
    there = {instance.machine.running_server().programs.major(), *instance.machine.host.pools.majors.found}
    if not {before, after} <= there:
        lacking = ", ".join(str(major) for major in (before, after) if major not in there)
        why = f"PostgreSQL {lacking} is not on this machine"
        raise NotInSandbox(f"{why}: an upgrade from {before} to {after} is not in the sandbox")


def perform(instance: SandboxDBInstance, version: str) -> bool:
    """Whether the server has the new major now, and is stopped; else it runs as before."""
    server, host = instance.machine.running_server(), instance.machine.host
    new = host.pools.of(facts.major(version)).take()
    instance.say("check_begins")
    reasons = list(upgrade.reasons(server, new, events.facts()["precheck_log"]["in_database"]))
    instance.say("check_ends")
    if reasons:
        log = _write_log(server, reasons, instance.engine_version, version)
        instance.say("blocked", before=instance.engine_version, after=version, log=log.name)
        upgrade.restore(server)
        new.remove()
        return False
    if instance.archive:
        backups.snapshot(instance, f"rds:preupgrade-{_name(instance, version)}")
    snapshots.wait_until_made(instance.restored)
    instance.say("downtime_begins")
    instance.halt()
    return _replace_server(instance, server, new)


def _replace_server(instance: SandboxDBInstance, server: Server, new: Server) -> bool:
    instance.say("upgrading")
    try:
        upgrade.perform(server, new)
    except ServerFailed as error:
        (server.logs / f"pg_upgrade_internal.log.{utcnow():%Y%m%d%H%M%S}").write_text(str(error))
        new.remove()
        instance.resume()
        upgrade.restore(server)
        instance.say("rolled_back")
        return False
    instance.base_settings = None  # those of the old major
    return True


def finish(instance: SandboxDBInstance) -> None:
    """The server serves again: its replicas go along, and no moment before this one can be restored."""
    roles.renew_grants(instance.machine.running_server())
    if instance.option_group_name.startswith("default:"):
        instance.option_group_name = f"default:postgres-{facts.major(instance.engine_version)}"
    instance.say("upgraded")
    instance.say("after_upgrade")
    _take_along(instance)
    if instance.archive:
        snapshots.wait_until_made(instance.restored)
        instance.archive.remove()
        backups.enable(instance)


def _take_along(source: SandboxDBInstance) -> None:
    for replica in source.followers:
        with replica.at_work:
            replica.status = "upgrading"
            for name in ("engine_version", "db_parameter_group_name", "option_group_name"):
                setattr(replica, name, getattr(source, name))
            replicas.rebuild(replica)
            _take_along(replica)
            replica.status = "available"


def _name(instance: SandboxDBInstance, version: str) -> str:
    """Before and after, and when. The guide does not give the names of these snapshots; users report `rds:preupgrade-...`."""
    versions = f"{instance.engine_version}-to-{version}".replace(".", "-")
    return f"{instance.db_instance_identifier}-{versions}-{utcnow():%Y-%m-%d-%H-%M-%S}"


def _write_log(server: Server, reasons: list[str], before: str, after: str) -> Path:
    path = server.logs / f"pg_upgrade_precheck.log.{utcnow():%Y%m%d%H%M%S}"
    texts = events.facts()["precheck_log"]
    listed = "".join(texts["reason"].format(reason=each) for each in reasons)
    path.write_text(texts["head"].format(now=utcnow(), before=before, after=after) + listed + texts["end"])
    os.chown(path, server.programs.account.uid, server.programs.account.gid)
    return path
