"""A plan as data: what it says, what it counts, and what applying it does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cruddur_ops import progress
from cruddur_ops.calls import Call
from cruddur_ops.change import OUTCOME_MIME, Action, Change, Outcome, differences
from cruddur_ops.errors import ConfirmationRequired, InstanceNotReady, NotVerified, PlanMoved, WrongInput
from cruddur_ops.plan import PLAN_MIME, Plan, step
from cruddur_ops.target import Target
from tests.unit.conftest import ACCOUNT

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


def test_names_of_others_move_no_cursor() -> None:
    """What somebody called a resource is shown, and does nothing to a terminal."""
    plan = Plan("any", (Change(Action.NONE, "rule of \x1b[2Ja\rb", note="\x07"),), ("made by \x1b]0;c",))
    lines = ["  = rule of \\x1b[2Ja\\rb  (\\x07)", "  i made by \\x1b]0;c"]
    assert lines == str(plan).splitlines()[1:]


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


def test_a_sum_is_approved_by_its_parts() -> None:
    """Each is applied under its own title, so that a runner keeps those."""
    shown = (Plan("first", (CREATE,)) + Plan("second", (SAME,)))._repr_mimebundle_()[PLAN_MIME]
    assert [("first", [CREATE.shown]), ("second", [SAME.shown])] == [(one["title"], one["changes"]) for one in shown["parts"]]


def test_a_sum_counts_what_its_parts_come_to() -> None:
    """A pool that one part changes and another one deletes is both, as it is when they are applied."""
    first, second = Plan("first", (CREATE,)), Plan("second", (CREATE,))
    assert first.outcome + second.outcome == (first + second).outcome


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
    changes = tuple(replace(change, make=partial(made.append, change)) for change in found.changes)
    assert found.outcome == step(lambda _: replace(found, changes=changes))(TARGET).apply()
    assert list(found.mutating) == made


def test_a_failing_change_ends_it() -> None:
    """What comes after a failure is not tried, and the failure is not hidden."""
    made: list[Change] = []

    def make(change: Change) -> None:
        made.append(change)
        if change is LARGER:
            raise RuntimeError("no")

    plan = step(lambda _: replace(PLAN, changes=tuple(replace(one, make=partial(make, one)) for one in PLAN.changes)))(TARGET)
    with pytest.raises(RuntimeError, match="no"):
        plan.apply()
    assert [CREATE, LARGER] == made


class World:
    """A few resources, each there or not, and the step that makes those that are wanted."""

    def __init__(self, *there: str) -> None:
        """Begin with these resources."""
        self.there, self.late, self.looks = set(there), 0, 0

    def make(self, name: str) -> None:
        """Make a resource."""
        self.there.add(name)

    def found(self, target: Target, *wanted: str, note: str = "") -> Plan:
        """A change for each resource; AWS is `late` looks behind."""
        self.looks += 1
        seen = self.there if self.looks > self.late else set()
        actions = {name: Action.NONE if name in seen else Action.CREATE for name in wanted}
        changes = (Change(action, name, note=note, make=partial(self.make, name)) for name, action in actions.items())
        return Plan(f"things on {target.name}", tuple(changes))


TARGET = Target("test", account_id=ACCOUNT, db_instance_identifier="mine")
GUARDED = replace(TARGET, protected=True)


def test_a_plan_applies_and_verifies_itself() -> None:
    """What is missing is made, what is there is not, and planning again says so."""
    world = World("a")
    plan_things = step(world.found)
    plan = plan_things(TARGET, "a", "b")
    assert Outcome(created=1, unchanged=1) == plan.apply()
    assert {"a", "b"} == world.there
    assert "verified: a and b are as wanted" == repr(plan.verify())
    assert Outcome(unchanged=2) == plan_things(TARGET, "a", "b").apply()


@pytest.mark.parametrize("confirm", ["", "yes", "MINE"])
def test_a_protected_target_is_confirmed_first(confirm: str) -> None:
    """Nothing but its identifier will do, and the message says how to confirm."""
    world = World()
    plan = step(world.found)(replace(GUARDED, confirm=confirm), "a")
    with pytest.raises(ConfirmationRequired, match=r'nothing was changed: .* confirm = "mine"'):
        plan.apply()
    assert set() == world.there


def test_a_confirmation_that_was_given_is_compared() -> None:
    """On a target that asks for none too, and where nothing would change: whoever typed it meant another instance."""
    for world in (World(), World("a")):
        there = set(world.there)
        with pytest.raises(ConfirmationRequired, match='was confirmed with "other" and nothing was changed: .* --confirm mine'):
            step(world.found)(replace(TARGET, confirm="other"), "a").apply()
        assert there == world.there
        step(world.found)(replace(TARGET, confirm="mine"), "a").apply()


def test_an_account_that_nobody_named_is_not_changed() -> None:
    """Whatever makes the change; the sandbox needs none, and behind a connection URL the database's label is compared."""
    world, call = World(), Change(Action.CREATE, "x", calls=(Call("rds", "start_db_instance"),))
    elsewhere = replace(TARGET, account_id="")
    behind_url = replace(elsewhere, connection_url="postgresql://127.0.0.1/x")
    for plan in (step(world.found)(elsewhere, "a"), step(lambda _: Plan("x", (call,)))(behind_url)):
        with pytest.raises(WrongInput, match="may only look"):
            plan.apply()
    assert set() == world.there
    for number, target in enumerate((replace(elsewhere, sandbox=True), behind_url)):
        step(world.found)(target, str(number)).apply()
    assert {"0", "1"} == world.there


def test_a_confirmed_plan_is_applied() -> None:
    """The target carries what was typed; where nothing differs, nothing is asked."""
    world = World()
    step(world.found)(replace(GUARDED, confirm="mine"), "a").apply()
    assert {"a"} == world.there
    assert Outcome(unchanged=1) == step(world.found)(GUARDED, "a").apply()


@pytest.mark.parametrize("asked", [{"asks": "the-database"}, {"asks": "the-database", "asks_always": True}])
def test_a_plan_may_ask_for_another_name(asked: dict[str, Any]) -> None:
    """Such as the database's, and also on a target that is not protected."""
    guarded = step(lambda target: replace(World().found(target, "a"), **asked))
    target = TARGET if "asks_always" in asked else GUARDED
    with pytest.raises(ConfirmationRequired, match="--confirm the-database"):
        guarded(replace(target, confirm="mine")).apply()
    guarded(replace(target, confirm="the-database")).apply()


def test_what_is_applied_is_what_was_shown() -> None:
    """Where somebody was quicker, or something is gone again, it is named and nothing is changed."""
    world = World("a")
    plan = step(world.found)(TARGET, "a", "b")
    world.there = {"b"}
    with pytest.raises(PlanMoved, match=r"nothing was changed \(no longer: \+ b; new: \+ a\): read the plan again"):
        plan.apply()
    assert {"b"} == world.there


def test_what_was_known_later_stays_open() -> None:
    """A change that could not be told yet is applied as it comes out, and refused for as long as it cannot be told."""
    world = World()
    notes = ["known after the group", "known after the group", ""]
    plan_late = step(lambda target: world.found(target, "a", note=notes.pop(0)))
    plan = plan_late(TARGET)
    with pytest.raises(InstanceNotReady, match="a cannot be changed yet: known after the group"):
        plan.apply()
    assert Outcome(created=1) == plan.apply()


def test_each_change_settles_before_the_next() -> None:
    """Also one that was found unchanged, since somebody else may be making it."""
    done: list[str] = []
    first = Change(Action.NONE, "a", settle=lambda: done.append("a is there"))
    second = Change(Action.CREATE, "b", make=lambda: done.append("b"), settle=lambda: done.append("b is there"))
    step(lambda _: Plan("x", (first, second)))(TARGET).apply()
    assert ["a is there", "b", "b is there"] == done


def test_a_change_may_say_what_it_came_to() -> None:
    """Such as how many rows, or that somebody else had made it."""
    rows = Change(Action.CREATE, "rows", make=lambda: Outcome(created=1000))
    made = Change(Action.DELETE, "session", make=lambda: Outcome(unchanged=1))
    plan = step(lambda _: Plan("x", (rows, made, Change(Action.MODIFY, "b", make=list))))(TARGET)
    assert Outcome(created=1000, changed=1, unchanged=1) == plan.apply()


def test_changes_may_hold_together() -> None:
    """In a session, such as a transaction: planning, the comparison and the changes are all inside."""
    world, events = World(), []

    @contextmanager
    def session() -> Iterator[Plan]:
        events.append("begin")
        yield world.found(TARGET, "a")
        events.append("commit")

    plan = step(lambda target: replace(world.found(target, "a"), session=session))(TARGET)
    plan.apply()
    assert ["begin", "commit"] == events
    world.there.clear()
    moved = replace(plan, changes=())
    with pytest.raises(PlanMoved):
        moved.apply()
    assert ["begin", "commit", "begin"] == events


def test_the_parts_of_a_sum_are_applied_one_by_one() -> None:
    """Each is planned again when its turn comes, so that one may wait for another; all are confirmed before the first."""
    world = World()
    needs = step(lambda target: world.found(target, "b", note="" if "a" in world.there else "known after a"))
    both = step(world.found)(TARGET, "a") + needs(TARGET)
    assert Outcome(created=2) == both.apply()
    assert "verified: a is as wanted\nverified: b is as wanted" == repr(both.verify())
    guarded = step(world.found)(TARGET, "c") + step(world.found)(GUARDED, "d")
    with pytest.raises(ConfirmationRequired):
        guarded.apply()
    assert {"a", "b"} == world.there


def test_a_part_that_waits_for_another_waits_until_that_is_shown() -> None:
    """AWS answers late: what was made is not seen at once."""
    world, late = World(), iter([False, False, False])

    def seen() -> bool:
        return "a" in world.there and next(late, True)

    made = Change(Action.CREATE, "a", make=lambda: world.make("a"))
    first = step(lambda _: Plan("a", () if seen() else (made,)))
    needs = step(lambda target: world.found(target, "b", note="" if seen() else "known after a"))
    assert 2 == (first(TARGET) + needs(TARGET)).apply().created
    assert {"a", "b"} == world.there


def test_what_stands_in_the_way_of_a_part_is_found_before_the_first_change_of_any() -> None:
    """The last part comes out differently by now: the first is not applied either, and nothing was changed."""
    world, moved = World(), [""]
    shown = step(lambda target: world.found(target, f"b{moved[0]}"))
    both = step(world.found)(TARGET, "a") + shown(TARGET)
    moved[0] = "2"
    with pytest.raises(PlanMoved, match=r"comes out differently now, and nothing was changed"):
        both.apply()
    assert set() == world.there


def test_what_was_changed_is_told_from_what_was_made() -> None:
    """Where a later part is refused, the sentence names what the earlier ones did."""
    world = World()
    shown = step(lambda target: world.found(target, "c" if "a" in world.there else "b"))
    both = step(world.found)(TARGET, "a") + shown(TARGET)
    with pytest.raises(PlanMoved, match=r"comes out differently now, and before that was changed: a \("):
        both.apply()
    assert {"a"} == world.there


def test_verification_allows_for_late_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """It looks again, and where a difference stays it names that."""
    monkeypatch.setattr(progress, "FIRST_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr("cruddur_ops.plan.LATE_SECONDS", 0.1)
    world = World("a")
    plan = step(world.found)(TARGET, "a")
    world.late = world.looks + 3
    assert "verified: a is as wanted" == repr(plan.verify())
    world.there.clear()
    with pytest.raises(NotVerified, match=r"things on test is not as wanted yet: \+ a: look at that"):
        plan.verify()


def test_verification_outlives_a_state_that_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where planning finds something not ready, as a late answer may say, it looks again; what stays so is named."""
    monkeypatch.setattr(progress, "FIRST_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr("cruddur_ops.plan.LATE_SECONDS", 0.1)
    renaming: list[int] = []

    def found(_: Target) -> Plan:
        if renaming:
            renaming.pop()
            raise InstanceNotReady("a is renaming")
        return Plan("x", (Change(Action.NONE, "a"),))

    plan = step(found)(TARGET)
    renaming += range(1)
    assert "verified: a is as wanted" == repr(plan.verify())
    renaming += range(1000)
    with pytest.raises(NotVerified, match="x is not as wanted yet: a is renaming"):
        plan.verify()


def test_verification_waits_for_what_is_on_its_way() -> None:
    """It settles what somebody else began, and then says what that came to."""
    world = World("a")

    def found(_: Target) -> Plan:
        on_its_way = Change(Action.NONE, "a", note="creating", settle=lambda: world.make("b"))
        return Plan("x", (Change(Action.NONE, "a") if "b" in world.there else on_its_way,))

    assert "verified: a is as wanted" == repr(step(found)(TARGET).verify())
    assert "b" in world.there


def test_verification_says_what_it_found() -> None:
    """What is gone, what is as wanted, and what waits for its window."""
    shown = (Change(Action.DELETE, "a"), Change(Action.MODIFY, "b"))
    plans = [Plan("x", shown), Plan("x", (Change(Action.NONE, "b"),), pending=("EngineVersion until sun:03:00-sun:03:30",))]
    plan = step(lambda _: plans.pop(0))(TARGET)
    expected = "verified: b is as wanted; a is gone; pending: EngineVersion until sun:03:00-sun:03:30"
    assert expected == repr(plan.verify())


def test_verification_counts_what_would_be_a_long_line() -> None:
    """More than three resources are counted, not named."""
    assert "verified: all 4 of things on test are as wanted" == repr(step(World(*"abcd").found)(TARGET, *"abcd").verify())


def test_differences() -> None:
    """Only wanted settings that differ are changes; a setting that was not found counts as None."""
    found = list(differences("instance b", {"size": 2, "new": True, "same": 1}, {"size": 1, "same": 1, "more": 9}))
    expected = [
        Change(Action.MODIFY, "instance b", "size", "1", "2"),
        Change(Action.MODIFY, "instance b", "new", "None", "True"),
    ]
    assert expected == found
