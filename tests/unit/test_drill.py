"""A drill that was cut off: what is renamed back, what may be deleted, and what never is."""

from __future__ import annotations

import pytest

from cruddur_ops.approvals import UNKNOWN
from cruddur_ops.errors import InstanceNotReady, WrongInput
from cruddur_ops.rds import drill
from cruddur_ops.rds.instances import Instance
from cruddur_ops.rds.restores import ORIGIN
from cruddur_ops.targets import Target

TARGET = Target("test", unproven=True, owner="alice")
NAME = TARGET.db_instance_identifier
DRILL = drill.Drill("snapshot", "restored", "rewound", "outgoing", "replica")


def original(name: str) -> Instance:
    """The one with the data."""
    return Instance(name, "available", endpoint_port=5432)


def copy(name: str) -> Instance:
    """One that the drill made."""
    return Instance(name, "available", endpoint_port=5432, tags={ORIGIN: "snapshot one"})


def renamed(*found: Instance) -> list[tuple[str | None, str | None]]:
    """From which names to which the plan renames where there are these."""
    plan = drill.return_plan(TARGET, DRILL, {one.identifier: one for one in found})
    return [(change.before, change.after) for change in plan.mutating]


def test_the_drill_is_told_beforehand() -> None:
    """By kind, under the titles of the plans that come later: an approved plan of 08 leaves these open."""
    plans = drill.plan_drill(TARGET, DRILL)
    assert {"restore on test", "switchover on test", "removal of the drill on test"} <= {plan.title for plan in plans}
    assert all(change.note.startswith(UNKNOWN) for plan in plans for change in plan.mutating)


def test_an_original_with_its_name_keeps_it() -> None:
    """Before the switchover and after the way back, whatever copies there are."""
    assert [] == renamed(original(NAME))
    assert [] == renamed(original(NAME), copy("rewound"), copy("restored"))


def test_the_original_gets_its_name_back() -> None:
    """After the switchover, and between its two steps."""
    assert [(NAME, "rewound"), ("outgoing", NAME)] == renamed(copy(NAME), original("outgoing"))
    assert [("outgoing", NAME)] == renamed(copy("rewound"), original("outgoing"))


def test_what_no_drill_left_is_not_renamed() -> None:
    """An instance with the name that no restore made is the original itself; then the other is somebody's."""
    with pytest.raises(WrongInput, match="was not made by a drill"):
        renamed(original(NAME), original("outgoing"))
    with pytest.raises(InstanceNotReady, match="there is no DB instance"):
        renamed(original("outgoing"))


@pytest.mark.parametrize("name", ["restored", "rewound", "replica"])
def test_only_copies_are_deleted(name: str) -> None:
    """Whatever else has one of the names stays."""
    drill.require_copies(DRILL, {name: copy(name)})
    with pytest.raises(WrongInput, match=f"{name} was not made by a drill .* and nothing was changed"):
        drill.require_copies(DRILL, {name: original(name)})


def test_nothing_is_deleted_while_the_original_is_renamed() -> None:
    """A copy has its name, and the data are under another."""
    with pytest.raises(WrongInput, match="outgoing is the original"):
        drill.require_copies(DRILL, {"outgoing": original("outgoing"), NAME: copy(NAME)})
