"""What is asked of AWS within one look, and how often."""

from __future__ import annotations

from cruddur_ops import aws, moment, progress
from cruddur_ops.change import Action, Change
from cruddur_ops.plan import Plan, step
from cruddur_ops.target import Target
from tests.unit.conftest import ACCOUNT, Stub

TARGET = Target("test", account_id=ACCOUNT)


def ask() -> str:
    """The same question each time; the status of the first instance."""
    answer = aws.find(TARGET, "rds", "describe_db_instances")
    assert answer is not None
    return str(answer.get("DBInstances", [{}])[0].get("DBInstanceStatus"))


@step
def _plan(_: Target) -> Plan:
    ask()
    return Plan(ask(), (Change(Action.NONE, "nothing"),))


def test_a_plan_asks_once(stub: Stub) -> None:
    """It is of one moment; the next one asks anew, and so does whoever makes no plan."""
    answers = stub(TARGET, "rds")
    for status in ("one", "two", "three", "four"):
        answers.add_response("describe_db_instances", {"DBInstances": [{"DBInstanceStatus": status}]})
    plan = _plan(TARGET)
    assert ["one", "two", "three", "four"] == [plan.title, plan._plan_again().title, ask(), ask()]


def test_a_change_or_a_wait_ends_the_moment(stub: Stub) -> None:
    """What was answered before it may be wrong after it."""
    answers = stub(TARGET, "rds")
    for operation in ("describe_db_instances", "reboot_db_instance", "describe_db_instances", "describe_db_instances"):
        answers.add_response(operation, {})
    with moment.one():
        ask()
        aws.client(TARGET, "rds").reboot_db_instance(DBInstanceIdentifier="x")
        ask()
        progress.poll("wait", lambda: ("", ask()), 1, AssertionError)
    answers.assert_no_pending_responses()
