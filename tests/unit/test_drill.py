"""A drill that was cut off: what is renamed back, what may be deleted, and what never is."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cruddur_ops.approvals import UNKNOWN
from cruddur_ops.errors import InstanceNotReady, WrongInput
from cruddur_ops.plan import Action
from cruddur_ops.rds import drill, instances, snapshots
from cruddur_ops.rds.instances import Instance
from cruddur_ops.rds.restores import ORIGIN
from cruddur_ops.rds.snapshots import Snapshot
from cruddur_ops.targets import Target

TARGET = Target("test", unproven=True, owner="alice")
NAME = TARGET.db_instance_identifier
DRILL = drill.Drill("snapshot", "restored", "rewound", "outgoing", "replica")


def original(name: str) -> Instance:
    """The one with the data."""
    return Instance(name, "available", tags={"ManagedBy": "cruddur-ops"})


def copy(name: str) -> Instance:
    """One that the drill made."""
    return Instance(name, "available", tags={"ManagedBy": "cruddur-ops", ORIGIN: "snapshot one"})


@pytest.fixture
def renamed(region: dict[str, Instance]) -> Callable[..., list[tuple[str | None, str | None]]]:
    """From which names to which the plan renames where there are these."""

    def planned(*found: Instance) -> list[tuple[str | None, str | None]]:
        region.clear()
        region.update({one.identifier: one for one in found})
        return [(change.before, change.after) for change in drill.plan_return(TARGET, DRILL).mutating]

    return planned


def test_the_drill_is_told_beforehand() -> None:
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


def test_what_no_drill_left_is_not_renamed(renamed: Callable[..., list[object]]) -> None:
    """An instance with the name that no restore made is the original itself; then the other is somebody's."""
    with pytest.raises(WrongInput, match="was not made by a drill"):
        renamed(original(NAME), original("outgoing"))
    with pytest.raises(InstanceNotReady, match="there is no DB instance"):
        renamed(original("outgoing"))


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> dict[str, Snapshot]:
    """The snapshots that there are: none yet."""
    found: dict[str, Snapshot] = {}
    monkeypatch.setattr(snapshots, "describe", lambda _, name: found.get(name))
    return found


@pytest.mark.parametrize("name", ["restored", "rewound", "replica"])
def test_only_copies_are_deleted(name: str, region: dict[str, Instance], taken: dict[str, Snapshot]) -> None:
    """Whatever else has one of the names stays."""
    region[name] = copy(name)
    assert [(Action.DELETE, f"DB instance {name}")] == [
        (change.action, change.resource) for change in drill.plan_clear(TARGET, DRILL).mutating
    ]
    region[name] = original(name)
    with pytest.raises(WrongInput, match=f"{name} was not made by a drill .* and nothing was changed"):
        drill.plan_clear(TARGET, DRILL)


def test_nothing_is_deleted_while_the_original_is_renamed(region: dict[str, Instance]) -> None:
    """A copy has its name, and the data are under another."""
    region |= {"outgoing": original("outgoing"), NAME: copy(NAME)}
    with pytest.raises(WrongInput, match="outgoing is the original"):
        drill.plan_clear(TARGET, DRILL)


def test_copies_go_together(region: dict[str, Instance], taken: dict[str, Snapshot], monkeypatch: pytest.MonkeyPatch) -> None:
    """RDS is asked to delete all of them before the first is waited for, and then the snapshot goes."""
    region.update({name: copy(name) for name in DRILL.copies})
    taken["snapshot"] = Snapshot("snapshot", NAME, "available")
    deleted = [*drill.plan_clear(TARGET, DRILL).mutating]
    assert [*(f"DB instance {name}" for name in DRILL.copies), "snapshot snapshot"] == [change.resource for change in deleted]
    assert [False, False, True, False] == [bool(change.settle) for change in deleted]
    looked: list[str] = []
    monkeypatch.setattr(instances, "describe", lambda target: looked.append(target.db_instance_identifier))
    assert deleted[2].settle
    deleted[2].settle()
    assert [*DRILL.copies] == looked
