"""Major upgrades on a real sandbox, where RDS refuses them or takes them back; the way through is that of notebook 09."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cruddur_ops import database, network, rds
from cruddur_ops.database.prechecks import Findings
from cruddur_ops.diagnosis import blocked
from cruddur_ops.errors import NotFound, NotVerified
from cruddur_ops.rds import instances
from cruddur_ops.target import Target
from tests.database.support import execute

pytestmark = pytest.mark.thorough
OBSTACLES = (
    "CREATE TABLE parent (id int)",
    "CREATE TABLE child () INHERITS (parent)",
    "ALTER TABLE ONLY parent ALTER id SET NOT NULL",
    "CREATE VIEW odd AS SELECT buffers_checkpoint FROM pg_stat_bgwriter",
    "CREATE TABLE kept (what regproc)",
)


@pytest.fixture(scope="module")
def old(module_target: Target) -> Iterator[Target]:
    """An instance of PostgreSQL 16, with little in it."""
    rds.plan_both(module_target).apply()
    network.plan_access(module_target).apply()
    target = rds.practice(module_target, "16")
    rds.plan_practice(target).apply()
    rds.plan_parameter_group(target, "18").apply()
    database.plan_create(target).apply()
    database.wait_until_reachable(target)
    yield target
    rds.plan_practice_removal(target, "none", "none").apply()


def test_a_major_that_is_not_on_this_machine(module_target: Target) -> None:
    """The nearest runs in its place, which is no practice: it says what to install."""
    rds.plan_both(module_target).apply()
    network.plan_access(module_target).apply()
    target = rds.practice(module_target, "17")
    rds.plan_practice(target).apply()
    with pytest.raises(NotFound, match="PostgreSQL 17 is not on this machine, and 18 runs in its place: install"):
        database.plan_practice_data(target, 10)
    rds.plan_practice_removal(target, "none", "none").apply()


def upgrade(target: Target) -> str:
    """What an upgrade fails with that nobody has looked at before; the instance then runs as before."""
    with pytest.raises(NotVerified) as caught:
        rds.plan_upgrade(target, "18", lambda *_: ()).apply()
    found = instances.require(target)
    assert (True, "16") == (found.ready, found.engine_version.partition(".")[0])
    assert "verified: PostgreSQL 16 runs, and RDS says the same" == repr(database.verify_version(target, "16"))
    return str(caught.value)


def blockers(target: Target) -> list[str]:
    """What is in the way, without its remedy."""
    found: Findings = database.prechecks(target, rds.upgrade_path(target, "18").next)
    return [one.what for one in found.found if one.blocks]


def test_what_is_refused_and_what_fails_in_the_middle(old: Target) -> None:
    """The sentence is that of RDS's log; each was found before; the second attempt is told from the first, the third succeeds."""
    for statement in OBSTACLES:
        execute(old, statement)
    assert blockers(old) == [
        "column child.id may be null, and its parent table's may not", "column kept.what of type regproc",
        "view odd reads pg_stat_bgwriter",
    ]  # fmt: skip
    assert 'The ["reg*"] data types are used in user tables.' in upgrade(old)
    execute(old, "DROP TABLE kept")
    execute(old, "ALTER TABLE child ALTER id SET NOT NULL")
    assert ["view odd reads pg_stat_bgwriter"] == blockers(old)
    ladder = blocked.upgrade(old, "18")
    assert ("database", True) == (ladder.first_failed and ladder.first_failed.name, "RDS refused one: " in repr(ladder))
    assert "pg_upgrade" in upgrade(old)
    execute(old, "DROP VIEW odd")
    plan = rds.plan_upgrade(old, "18", database.blockers)
    plan.apply()
    plan.verify()
    assert "verified: PostgreSQL 18 runs, and RDS says the same" == repr(database.verify_version(old, "18"))
    assert "runs PostgreSQL 18" in str(rds.plan_upgrade(old, "18", database.blockers))
