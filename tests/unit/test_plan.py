"""A plan as data: what it says, what it counts, and what applying it does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cruddur_ops import plan
from cruddur_ops.errors import ConfirmationRequired
from cruddur_ops.plan import OUTCOME_MIME, Action, Change, Outcome, Plan, differences, require_confirmation

CREATE = Change(Action.CREATE, "group a", note="free")
LARGER = Change(Action.MODIFY, "instance b", "class", "micro", "small")
LONGER = Change(Action.MODIFY, "instance b", "retention", "7", "14")
DELETE = Change(Action.DELETE, "rule c", before="10.0.0.1/32")
SAME = Change(Action.NONE, "database d")
PLAN = Plan("everything on test", (CREATE, LARGER, LONGER, DELETE, SAME), ("cost: none",))

CHANGES = st.builds(Change, st.sampled_from(Action), st.sampled_from("abcdef"), st.sampled_from(["", "x", "y"]))
PLANS = st.lists(CHANGES, max_size=8).map(lambda changes: Plan("any", tuple(changes)))


def test_plan_as_text() -> None:
    """Heading with the counts, a line for each change, the facts."""
    lines = [
        "everything on test: 1 to create, 1 to change, 1 to delete, 1 unchanged",
        "  + group a  (free)",
        "  ~ instance b: class = micro -> small",
        "  ~ instance b: retention = 7 -> 14",
        "  - rule c = 10.0.0.1/32",
        "  = database d",
        "  i cost: none",
    ]
    assert "\n".join(lines) == str(PLAN) == repr(PLAN)


def test_a_resource_counts_once() -> None:
    """However many of its settings differ."""
    assert Outcome(1, 1, 1, 1) == PLAN.outcome


def test_outcome_as_text_and_as_data() -> None:
    """A notebook's reader sees the counts, and the runner adds them up."""
    shown = Outcome(1, 0, 0, 2)._repr_mimebundle_()
    assert "1 created, 0 changed, 0 deleted, 2 unchanged" == shown["text/plain"]
    assert {"created": 1, "changed": 0, "deleted": 0, "unchanged": 2} == shown[OUTCOME_MIME]


def test_plans_are_joined() -> None:
    """Changes and facts follow each other under the first title."""
    joined = Plan("first", (CREATE,), ("one",)) + Plan("second", (SAME,), ("two",))
    assert Plan("first", (CREATE, SAME), ("one", "two")) == joined


@given(PLANS)
def test_every_resource_is_counted(found: Plan) -> None:
    """Counts add up to the resources, and those that change are those with a mutating change."""
    counts = found.outcome
    resources = {change.resource for change in found.changes}
    changing = {change.resource for change in found.mutating}
    assert len(resources) == counts.created + counts.changed + counts.deleted + counts.unchanged
    assert len(resources - changing) == counts.unchanged


@given(PLANS)
def test_applying_makes_the_mutating_changes_in_order(found: Plan) -> None:
    """Each once, the unchanged ones never, and the outcome is the plan's."""
    made: list[Change] = []
    assert found.outcome == plan.apply(found, made.append)
    assert list(found.mutating) == made


def test_a_failing_change_ends_it() -> None:
    """What comes after a failure is not tried, and the failure is not hidden."""
    made = []

    def make(change: Change) -> None:
        made.append(change)
        if change is LARGER:
            raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        plan.apply(PLAN, make)
    assert [CREATE, LARGER] == made


@pytest.mark.parametrize("confirm", ["", "yes", "CRUDDUR-DB-INSTANCE"])
def test_a_protected_target_needs_its_identifier(confirm: str) -> None:
    """Nothing else will do, and the message says how to confirm."""
    with pytest.raises(ConfirmationRequired, match='confirm = "cruddur-db-instance"'):
        require_confirmation(PLAN, protected=True, identifier="cruddur-db-instance", confirm=confirm)


@pytest.mark.parametrize(
    ("found", "protected", "confirm"),
    [(PLAN, True, "cruddur-db-instance"), (PLAN, False, ""), (Plan("nothing", (SAME,)), True, "")],
)
def test_no_confirmation_is_needed(found: Plan, protected: bool, confirm: str) -> None:
    """Typed, not protected, or nothing to change: no question is asked."""
    require_confirmation(found, protected=protected, identifier="cruddur-db-instance", confirm=confirm)


def test_differences() -> None:
    """Only wanted settings that differ are changes; a setting that was not found counts as None."""
    found = list(differences("instance b", {"size": 2, "new": True, "same": 1}, {"size": 1, "same": 1, "more": 9}))
    expected = [
        Change(Action.MODIFY, "instance b", "size", "1", "2"),
        Change(Action.MODIFY, "instance b", "new", "None", "True"),
    ]
    assert expected == found
