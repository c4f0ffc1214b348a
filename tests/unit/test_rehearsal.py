"""Rehearsals without AWS: whose a copy is, what is compared, and what a report says of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from cruddur_ops import tags
from cruddur_ops.database.checksum import Content
from cruddur_ops.errors import InstanceNotReady, NotVerified, WrongInput
from cruddur_ops.rds import prices, snapshots
from cruddur_ops.rds.instances import Instance
from cruddur_ops.rds.prices import MonthlyCost
from cruddur_ops.rds.snapshots import Snapshot
from cruddur_ops.rehearsal import copies
from cruddur_ops.rehearsal.locks import Lock, Watch
from cruddur_ops.rehearsal.measurements import State, differences, written_anew
from cruddur_ops.rehearsal.report import STEP, Phase, Report
from cruddur_ops.rehearsal.statements import Changed, Statement, compared
from cruddur_ops.target import Target

TARGET = Target("test", owner="alice")
NAME = TARGET.db_instance_identifier
ORIGINAL = Instance(NAME, "available", resource_id="db-MAIN", tags=tags.of(TARGET), engine_version="18.1")
COPY = Instance(f"{NAME}-rehearsal", "available", tags={"ManagedBy": "cruddur-ops", "CopyOf": "db-MAIN", "Purpose": "rehearsal"})
STATE = State({"users": ("id",)}, {"users": Content(5, "1")}, {"table users": 1}, {}, 100, 1000, "18.1")
REPORT = Report("upgrade to 18.1", "test", NAME, "d", "", (Phase(STEP, 3.0),), (), (), (), None, (1, 1), None, (), (), (), 0.0)


@pytest.mark.parametrize(
    "foreign", [{}, {"Purpose": "rescue"}, {"CopyOf": "db-OTHER"}, {"ManagedBy": "terraform"}], ids=lambda one: str(one)
)
def test_what_has_the_name_of_a_copy_is_left_alone(region: dict[str, Instance], foreign: Mapping[str, str]) -> None:
    """Only what says that it is a copy of this very original, for a rehearsal, is used or deleted."""
    found = {**COPY.tags, **foreign} if foreign else {}
    region |= {NAME: ORIGINAL, COPY.identifier: replace(COPY, tags=found)}
    for plan in (copies.plan_copy, copies.plan_removal):
        with pytest.raises(WrongInput, match="which does not say"):
            plan(TARGET)


def test_a_copy_that_was_left_is_removed(region: dict[str, Instance]) -> None:
    """By whoever rehearses next; where there is none that is no change."""
    region |= {NAME: ORIGINAL, COPY.identifier: COPY}
    assert ["delete"] == [change.action for change in copies.plan_removal(TARGET).mutating]
    del region[COPY.identifier]
    assert () == copies.plan_removal(TARGET).mutating


@pytest.fixture
def taken(region: dict[str, Instance], monkeypatch: pytest.MonkeyPatch) -> list[Snapshot]:
    """The snapshots that there are; the instance keeps no backups."""
    found: list[Snapshot] = []
    region[NAME] = replace(ORIGINAL, security_group_ids=("sg-1",))
    monkeypatch.setattr(snapshots, "of_instance", lambda _: list(found))
    monkeypatch.setattr(snapshots, "describe", lambda _, name: {one.name: one for one in found}.get(name))
    monkeypatch.setattr(prices, "monthly_cost", lambda _: MonthlyCost({"instance": 73.0}))
    return found


def test_a_copy_is_of_the_newest_snapshot_of_this_very_instance(taken: list[Snapshot]) -> None:
    """One of an instance that had the name before, or is being taken still, is none; it costs so much an hour, and expires."""
    with pytest.raises(InstanceNotReady, match="neither a backup nor a snapshot"):
        copies.plan_copy(TARGET)
    taken += [
        Snapshot("old", NAME, "available", resource_id="db-MAIN"),
        Snapshot("new", NAME, "available", resource_id="db-MAIN"),
        Snapshot("begun", NAME, "creating", resource_id="db-MAIN"),
        Snapshot("other", NAME, "available", resource_id="db-BEFORE"),
    ]
    plan = copies.plan_copy(TARGET)
    (call,) = plan.mutating[0].calls
    labels = tags.as_mapping(call.parameters["Tags"])
    assert ("snapshot new", "rehearsal", True) == (plan.mutating[0].after, labels["Purpose"], "Expires" in labels)
    assert "cost: 0.10 USD an hour" in plan.facts[0]
    with pytest.raises(WrongInput, match="another instance"):
        copies.plan_copy(TARGET, "other")


def test_a_database_at_a_url_has_no_copy() -> None:
    """RDS copies DB instances alone."""
    with pytest.raises(WrongInput, match="a database at a URL"):
        copies.plan_copy(replace(TARGET, connection_url="postgresql://somewhere/cruddur"))


def statement(name: str, *nodes: str, cost: float = 1.0, ms: float | None = None, blocks: int = 1) -> Statement:
    """As it was planned."""
    return Statement(name, nodes, frozenset(), frozenset(), cost, ms, blocks)


@pytest.mark.parametrize(
    ("before", "after", "slower", "nodes"),
    [
        (statement("a", "Index Scan", ms=1.0), statement("a", "Index Scan", ms=4.0), False, ()),  # a few milliseconds are chance
        (statement("a", "Index Scan", ms=10.0), statement("a", "Index Scan", ms=30.0), False, ()),  # so is a busy machine
        (statement("a", "Index Scan", ms=10.0), statement("a", "Index Scan", ms=41.0), True, ()),
        (statement("a", "Index Scan", ms=10.0), statement("a", "Index Scan", ms=30.0, blocks=9), True, ()),  # it reads more
        (statement("a", "Index Scan", ms=10.0), statement("a", "Seq Scan", ms=30.0), True, ("Index Scan", "Seq Scan")),
        (statement("a", "Index Scan", ms=10.0), statement("a", "Seq Scan", ms=2.0), False, ("Index Scan", "Seq Scan")),
        (statement("$1", "Index Scan"), statement("$1", "Seq Scan", cost=9.0), True, ("Index Scan", "Seq Scan")),
        (statement("$1", "Seq Scan"), statement("$1", "Seq Scan", cost=9.0), False, ()),  # the planner reckons otherwise
        (statement("$1", "Limit", "Sort"), statement("$1", "Limit"), False, ("Sort", "nothing")),
    ],
)
def test_statements_are_compared(before: Statement, after: Statement, slower: bool, nodes: tuple[str, ...]) -> None:
    """By their times, where they were run; and by the first node that is another."""
    (found,) = compared((before,), (after,))
    assert (slower, nodes) == (found.slower, found.nodes)


def test_what_differs_is_told() -> None:
    """Rows, values, settings that are others, gone or new, and what was written anew; nothing where nothing does."""
    assert ((), ()) == (differences(STATE, STATE), written_anew(STATE, STATE))
    facts: dict[tuple[str, str], str | None] = {("setting", "old"): "1", ("setting", "both"): "1", ("sequence", "s"): None}
    before = replace(STATE, facts=facts)
    changed: dict[tuple[str, str], str | None] = {("setting", "both"): "2", ("setting", "new"): "1", ("sequence", "s"): "5"}
    after = replace(
        STATE, facts=changed, tables={"users": Content(5, "2"), "more": Content(1, "1")}, files={"table users": 2, "index i": 3}
    )
    assert (
        "table more: is new",
        "table users: 5 rows as before, with other values",
        "sequence s: none -> 5",
        "setting both: 1 -> 2",
        "settings that are gone: old",
        "1 settings are new",
    ) == differences(before, after)
    assert ("table users was written anew", "index i is new") == written_anew(before, after)


def test_a_lock_lasts_from_when_it_was_taken_until_it_was_last_seen() -> None:
    """A statement of seconds has held it all the time; seen again soon it is the same lock."""
    watch = Watch(began=-1e9)
    watch.see("users", "AccessExclusiveLock", since=2.0)
    watch.see("users", "AccessExclusiveLock")
    (lock,) = watch.locks
    assert lock.seconds >= 2.0
    assert str(lock).startswith("ACCESS EXCLUSIVE on users for 2.0")
    assert str(lock).endswith("whoever reads or writes would have waited")


def test_what_a_report_says() -> None:
    """First whether it passed, then the downtime to expect with its span, and what became slower; all of it is JSON, too."""
    slower = Changed("activities/home", 1.0, 50.0, "ms", ("Index Scan", "Seq Scan"), slower=True)
    lock = Lock("users", "AccessExclusiveLock", 0.0, 4.0)
    lines = str(replace(REPORT, plans=(slower,), locks=(lock,), outage=1.0)).splitlines()
    assert "passed in 3.0 s" == lines[1].strip()
    assert "downtime to expect: 2.0 to 8.0 s, since a lock kept others waiting for 4.0 s here" in lines[2]
    assert "  WARNING: activities/home: 1.00 -> 50.00 ms, SLOWER; Index Scan -> Seq Scan" in lines
    shown: dict[str, Any] = json.loads(replace(REPORT, locks=(lock,)).to_json())
    assert "users" == shown["locks"][0]["relation"]
    with pytest.raises(NotVerified, match="production was not touched: no room"):
        replace(REPORT, failed="no room").require_passed()


def test_a_report_is_drawn() -> None:
    """A panel each for phases, locks and statements with times, as far as there are any; else no figure."""
    timed, planned = Changed("activities/home", 1.0, 50.0, "ms"), Changed("SELECT $1", 1.0, 2.0, "of cost")
    whole = replace(REPORT, plans=(timed, planned), locks=(Lock("users", "AccessExclusiveLock", 0.0, 4.0),)).plot()
    titles = ["Rehearsal of the upgrade to 18.1", "Locks that keep others waiting", "The application's statements"]
    assert whole.figure
    assert titles == [axes.get_title() for axes in whole.figure.axes]
    assert "1 phases, 1 locks that keep others waiting, and 1 statements" in whole.text
    assert whole.encoded
    [phases] = replace(REPORT, plans=(planned,)).plot().figure.axes  # type: ignore[union-attr]
    assert titles[0] == phases.get_title()
    assert replace(REPORT, phases=()).plot().figure is None
