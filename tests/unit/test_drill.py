"""A drill that was cut off: what is renamed back, what may be deleted, and what never is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cruddur_ops import tags
from cruddur_ops.approvals import UNKNOWN
from cruddur_ops.change import Action
from cruddur_ops.errors import InstanceNotReady, WrongInput
from cruddur_ops.rds import drill, instances, restores, snapshots
from cruddur_ops.rds.drill import Drill
from cruddur_ops.rds.instances import Instance
from cruddur_ops.rds.restores import COPY_OF, ORIGIN
from cruddur_ops.rds.snapshots import Snapshot
from cruddur_ops.target import Target
from tests.unit.aws_state import calls_of

TARGET = Target("test", owner="alice")
NAME = TARGET.db_instance_identifier
DRILL = drill.Drill("snapshot", "restored", "rewound", "outgoing", "replica")
OURS = tags.of(TARGET)


def original(name: str) -> Instance:
    """The one with the data, whatever it is called at the moment."""
    return Instance(name, "available", resource_id="db-MAIN", tags=OURS, backup_retention_period=7)


def copy(name: str, of: str = "db-MAIN") -> Instance:
    """One that a drill made, of the original or of another."""
    labels = {"ManagedBy": "cruddur-ops", "DBInstance": name, ORIGIN: "snapshot one", COPY_OF: of}
    return Instance(name, "available", resource_id=f"db-{name}", tags=labels)


@pytest.fixture
def renamed(region: dict[str, Instance]) -> Callable[..., list[tuple[str | None, str | None]]]:
    """From which names to which the plan renames where there are these."""

    def planned(*found: Instance) -> list[tuple[str | None, str | None]]:
        region.clear()
        region.update({one.identifier: one for one in found})
        return [(change.before, change.after) for change in drill.plan_return(TARGET, DRILL).mutating]

    return planned


@pytest.mark.parametrize(
    "given",
    [{"replica": "a--b"}, {"snapshot": "1st"}, {"snapshot": "rds:x"}, {"restored": "Y"}, {"rewound": "two", "replica": "two"}],
)
def test_a_name_that_rds_would_refuse_is_refused_before_the_drill(given: dict[str, str]) -> None:
    """In its last step, too: no such name, the original's, or another's of the drill."""
    with pytest.raises(WrongInput, match="cannot be a name of the drill: each is another, and is up to"):
        Drill.of(Target("test", db_instance_identifier="y"), **given)


def test_the_names_of_a_drill_are_the_targets() -> None:
    """Two targets in one account share none; RDS takes 63 characters, and no two hyphens in a row."""
    names = [Drill.of(Target(name, db_instance_identifier=f"cruddur-{name}")) for name in ("staging", "prod")]
    assert ("cruddur-staging-rewound", "cruddur-staging-drill") == (names[0].rewound, names[0].snapshot)
    assert set() == {*names[0].instances, names[0].snapshot} & {*names[1].instances, names[1].snapshot}
    assert "rescue" == Drill.of(TARGET, restored="rescue", rewound="").restored


@given(st.from_regex(r"[a-z](-?[a-z0-9]){0,62}", fullmatch=True))
def test_rds_takes_every_name_of_a_drill(identifier: str) -> None:
    """Whatever identifier it took for the original."""
    for name in Drill.of(Target("test", db_instance_identifier=identifier[:63].rstrip("-"))).instances:
        assert len(name) <= 63 and "--" not in name, name


def test_a_drill_that_could_not_come_to_its_end_does_not_begin(region: dict[str, Instance]) -> None:
    """Without backups nothing can be rewound; and what is not ours by its tags is never renamed."""
    region[NAME] = replace(original(NAME), backup_retention_period=0)
    with pytest.raises(InstanceNotReady, match="keeps no backups, which the drill needs"):
        drill.plan_drill(TARGET, DRILL)
    region[NAME] = replace(original(NAME), tags={"ManagedBy": "cruddur-ops"})
    with pytest.raises(WrongInput, match=f"there is a DB instance {NAME} already, which was not made for {NAME}"):
        drill.plan_drill(TARGET, DRILL)


def test_a_drill_that_was_cut_off_while_a_copy_has_the_name_begins_anew(region: dict[str, Instance]) -> None:
    """It is the original that has to be ours, and to keep backups, whatever it is called."""
    region |= {NAME: copy(DRILL.rewound), DRILL.outgoing: original(DRILL.outgoing)}
    assert drill.plan_drill(TARGET, DRILL)


def test_the_drill_is_told_beforehand(region: dict[str, Instance]) -> None:
    """By kind, under the titles of the plans that come later: an approved plan of 08 leaves these open."""
    plans = drill.plan_drill(TARGET, DRILL)
    assert {"restore on test", "switchover on test", "removal of the drill on test"} <= {plan.title for plan in plans}
    assert all(change.note.startswith(UNKNOWN) for plan in plans for change in plan.mutating)


def test_an_original_with_its_name_keeps_it(renamed: Callable[..., list[object]]) -> None:
    """Before the switchover and after the way back, whatever copies there are."""
    assert [] == renamed(original(NAME))
    assert [] == renamed(original(NAME), copy("rewound"), copy("restored"))


def test_the_original_gets_its_name_back(renamed: Callable[..., list[object]]) -> None:
    """After the switchover, and between its two steps."""
    assert [(NAME, "rewound"), ("outgoing", NAME)] == renamed(copy(NAME), original("outgoing"))
    assert [("outgoing", NAME)] == renamed(copy("rewound"), original("outgoing"))


def test_an_original_that_is_left_alone_gets_its_name_back(
    renamed: Callable[..., list[object]], region: dict[str, Instance]
) -> None:
    """Also where its copies are gone; and then the plan says so."""
    assert [("outgoing", NAME)] == renamed(original("outgoing"))
    plan = drill.plan_return(TARGET, DRILL)
    region.clear()
    region[NAME] = original(NAME)
    assert f"verified: DB instance {NAME} is as wanted" == repr(plan.verify())


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ((original(NAME), original("outgoing")), "cruddur-db-instance is no copy of outgoing"),
        ((copy(NAME, of="db-OTHER"), original("outgoing")), "cruddur-db-instance is no copy of outgoing"),
        ((copy("rewound", of="db-OTHER"), original("outgoing")), "rewound is no copy of outgoing"),
        ((copy(NAME), replace(original("outgoing"), tags={**OURS, "DBInstance": "other"})), "outgoing already, which was not"),
    ],
)
def test_what_no_drill_of_this_target_left_is_not_renamed(
    found: tuple[Instance, ...], message: str, renamed: Callable[..., list[object]]
) -> None:
    """By the DbiResourceId that a copy's tag names, and not by the names of the drill."""
    with pytest.raises(WrongInput, match=message):
        renamed(*found)


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> dict[str, Snapshot]:
    """The snapshots that there are: none yet."""
    found: dict[str, Snapshot] = {}
    monkeypatch.setattr(snapshots, "describe", lambda _, name: found.get(name))
    return found


@pytest.mark.parametrize("name", ["restored", "rewound", "replica"])
def test_only_copies_are_deleted(name: str, region: dict[str, Instance], taken: dict[str, Snapshot]) -> None:
    """Whatever else has one of the names stays."""
    region |= {NAME: original(NAME), name: copy(name)}
    assert [(Action.DELETE, f"DB instance {name}")] == [
        (change.action, change.resource) for change in drill.plan_clear(TARGET, DRILL).mutating
    ]
    for other in (original(name), copy(name, of="db-OTHER"), replace(copy(name), tags={ORIGIN: "snapshot one"})):
        region[name] = other
        with pytest.raises(WrongInput, match=f"{name} is no copy of {NAME}, by its tags .*: give the drill another name"):
            drill.plan_clear(TARGET, DRILL)
    region |= {name: copy(name)}
    del region[NAME]
    with pytest.raises(WrongInput, match=f"{name} is a copy of what is not there"):
        drill.plan_clear(TARGET, DRILL)


def test_a_snapshot_that_somebody_took_stays(region: dict[str, Instance], taken: dict[str, Snapshot]) -> None:
    """Though it has the name of the drill's."""
    region[NAME] = original(NAME)
    taken["snapshot"] = Snapshot("snapshot", NAME, "available")
    with pytest.raises(WrongInput, match="a snapshot snapshot already, which was not made for"):
        drill.plan_clear(TARGET, DRILL)


def test_the_copies_of_a_protected_target_can_be_cleared(region: dict[str, Instance], taken: dict[str, Snapshot]) -> None:
    """They are not protected as it is; those of an earlier version, which were, are freed first, and waited for."""
    prod = replace(TARGET, deletion_protection=True)
    assert not restores.sibling(prod, "restored").deletion_protection
    region |= {NAME: original(NAME), "restored": replace(copy("restored"), deletion_protection=True)}
    plan = drill.plan_clear(prod, DRILL)
    assert ["modify_db_instance", "delete_db_instance"] == [call.operation for call in calls_of(plan)]
    assert plan.changes[0].settle
    region["restored"] = copy("restored")
    plan.changes[0].settle()


def test_nothing_is_deleted_while_the_original_is_renamed(region: dict[str, Instance]) -> None:
    """A copy has its name, and the data are under another."""
    region |= {"outgoing": original("outgoing"), NAME: copy(NAME)}
    with pytest.raises(WrongInput, match="outgoing is the original"):
        drill.plan_clear(TARGET, DRILL)


def test_copies_go_together(region: dict[str, Instance], taken: dict[str, Snapshot], monkeypatch: pytest.MonkeyPatch) -> None:
    """RDS is asked to delete all of them before the first is waited for, and then the snapshot goes."""
    region |= {NAME: original(NAME)} | {name: copy(name) for name in DRILL.copies}
    taken["snapshot"] = Snapshot("snapshot", NAME, "available", tags=OURS)
    deleted = [*drill.plan_clear(TARGET, DRILL).mutating]
    assert [*(f"DB instance {name}" for name in DRILL.copies), "snapshot snapshot"] == [change.resource for change in deleted]
    assert [False, False, True, False] == [bool(change.settle) for change in deleted]
    looked: list[str] = []
    monkeypatch.setattr(instances, "describe", lambda target: looked.append(target.db_instance_identifier))
    assert deleted[2].settle
    deleted[2].settle()
    assert [*DRILL.copies] == looked
