"""A major upgrade by blue/green on a real sandbox: what stands in its way, what voids it, and what holds after the switchover."""

from __future__ import annotations

import time
from dataclasses import replace

import psycopg
import pytest

from cruddur_ops import calls, database, network, rds
from cruddur_ops.database.connection import connect
from cruddur_ops.errors import ConfirmationRequired, NotVerified, WrongInput
from cruddur_ops.plan import Plan
from cruddur_ops.rds import instances, waiting
from cruddur_ops.target import Target
from tests.database.support import execute
from tests.unit.headless import until

pytestmark = pytest.mark.thorough
LONG = (
    "SELECT bool_or(now() - xact_start > interval '3 s') FROM pg_stat_activity WHERE backend_xid IS NOT NULL"  # for the sandbox
)
LAST = "cruddur-db-instance-practice-last"


@pytest.fixture(scope="module")
def old(module_target: Target) -> Target:
    """An instance of PostgreSQL 16 with logical replication, a managed password, and a table without a key."""
    rds.plan_both(module_target).apply()
    network.plan_access(module_target).apply()
    target = rds.practice(module_target, "16")
    rds.plan_practice(target, logical=True).apply()
    rds.plan_parameter_group(target, "18").apply()
    database.plan_create(target).apply()
    database.wait_until_reachable(target)
    execute(target, "CREATE TABLE kept AS SELECT 1 AS id")
    return target


def deployment(target: Target) -> Plan:
    """The plan of it."""
    return rds.plan_deployment(target, "18", database.blue_green_obstacles)


def refused(plan: Plan) -> str:
    """What applying it fails with; the instance is as it was."""
    assert plan.target
    with pytest.raises((NotVerified, WrongInput)) as caught:
        plan.apply()
    found = instances.require(plan.target)
    assert ("16", True) == (found.engine_version.partition(".")[0], found.ready)
    execute(plan.target, "CREATE TEMP TABLE written (id int)")
    return str(caught.value)


def test_from_16_to_18(old: Target) -> None:
    """A managed password and a table without a key refuse it, DDL voids it, a writer cancels the switchover; then all holds."""
    assert "RDS manages the master password" in refused(deployment(old))
    rds.plan_own(old).apply()
    assert "table kept has no primary key" in refused(deployment(old))
    execute(old, "ALTER TABLE kept ADD PRIMARY KEY (id)")
    there = set(instances.describe_all(old))
    deployment(old).apply()
    execute(old, "ALTER TABLE kept ADD note text")
    assert "DDL changes were made" in refused(rds.plan_blue_green_switchover(old, "18"))
    again = deployment(old)
    assert "with cruddur-db-instance-practice-green-" in str(again)
    again.apply()
    again.verify()
    assert 1 == len(set(instances.describe_all(old)) - there)

    before, group = instances.require(old), rds.parameter_group(old, "18")
    rds.plan_snapshot(old, LAST.replace("last", "first")).apply()
    green = database.green(old)
    assert "verified: PostgreSQL 18 runs, and RDS says the same" == repr(database.verify_version(green, "18"))
    database.plan_after_upgrade(green, extensions=False).apply()
    assert "the instance that follows is at most" in repr(database.behind(old))
    with connect(old) as writer:
        writer.execute("INSERT INTO kept VALUES (2)")
        until(lambda: execute(old, LONG) == [(True,)])
        assert "active writes on the blue primary instance" in refused(rds.plan_blue_green_switchover(old, "18"))
        writer.rollback()
    execute(old, "INSERT INTO kept VALUES (3)")
    plan = rds.plan_blue_green_switchover(old, "18")
    plan.apply()
    plan.verify()
    database.wait_until_reachable(old)
    holds(old, before.resource_id, group)
    removed(old)


def holds(old: Target, before: str, group: str) -> None:
    """Name, data, writes, password, tags, security group and snapshot are the target's as before; 01 has nothing to do."""
    found = instances.require(old)
    assert before != found.resource_id
    assert before in found.identities
    assert [(1,), (3,)] == execute(old, "SELECT id FROM kept ORDER BY id")
    execute(old, "INSERT INTO kept VALUES (4)")
    assert "runs PostgreSQL 18" in str(deployment(old))
    wanted = old.asking("targets.toml", engine_version="18", db_parameter_group_name=group)
    assert () == rds.plan_instance(wanted).mutating == rds.plan_own(old).mutating
    assert () == rds.plan_snapshot(old, LAST.replace("last", "first"), existing=True).mutating
    assert () == database.plan_create(old).mutating == database.plan_after_upgrade(old).mutating


def removed(old: Target) -> None:
    """The old one takes no writes; protected, it goes once the name was typed, with a last snapshot; then nothing is left."""
    one = rds.predecessor(old)
    assert one is not None
    elsewhere = replace(
        rds.sibling(old, one.identifier), master_user_secret=f"{old.db_instance_identifier}/{one.master_username}"
    )
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        execute(elsewhere, "INSERT INTO kept VALUES (5)")
    calls.send(elsewhere, instances.protection(one.identifier, on=True))
    time.sleep(0.5)  # RDS begins a moment after its answer
    waiting.wait(elsewhere, lacks=lambda found: "" if found.deletion_protection else "not protected yet")
    plan = rds.plan_blue_green_removal(old, LAST)
    with pytest.raises(ConfirmationRequired):
        plan.apply()
    plan = rds.plan_blue_green_removal(replace(old, confirm=old.db_instance_identifier), LAST)
    plan.apply()
    plan.verify()
    assert rds.predecessor(old) is None
    rds.plan_practice_removal(old, "none", LAST).apply()
    assert ["cruddur-db-instance"] == list(instances.describe_all(old))
