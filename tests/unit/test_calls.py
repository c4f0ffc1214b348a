"""The thin layer that makes a plan's AWS API calls."""

from __future__ import annotations

from dataclasses import replace

import pytest
from botocore.exceptions import ClientError

from cruddur_ops import applying
from cruddur_ops.calls import Call
from cruddur_ops.errors import ConfirmationRequired, InstanceNotReady, NotOffered, OpsError, RunInProgress, WrongInput
from cruddur_ops.plan import Action, Change, Outcome, Plan
from cruddur_ops.targets import Target
from tests.unit.conftest import Stub

TARGET = Target("test")
MODIFY = Call("rds", "modify_db_instance", {"DBInstanceIdentifier": "x"})
PLAN = Plan("x", (Change(Action.MODIFY, "DB instance x", calls=(MODIFY,)), Change(Action.MODIFY, "DB instance x", "y")))


def test_calls_are_made_in_order(stub: Stub) -> None:
    """Each call once; a change that is a detail of another has none."""
    answers = stub(TARGET, "rds")
    answers.add_response("modify_db_instance", {}, {"DBInstanceIdentifier": "x"})
    assert Outcome(changed=1) == applying.apply(PLAN, TARGET)
    answers.assert_no_pending_responses()


def test_a_protected_target_is_confirmed_first(stub: Stub) -> None:
    """Without the identifier nothing is called."""
    stub(replace(TARGET, protected=True), "rds")
    with pytest.raises(ConfirmationRequired):
        applying.apply(PLAN, replace(TARGET, protected=True))


def test_a_plan_that_waits_for_another_is_refused(stub: Stub) -> None:
    """Even its other changes are not made."""
    stub(TARGET, "rds")
    waiting = Plan("x", (*PLAN.changes, Change(Action.CREATE, "rule", note="known after 01_provision_rds")))
    with pytest.raises(InstanceNotReady, match="rule cannot be changed yet: known after 01_provision_rds"):
        applying.apply(waiting, TARGET)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("InvalidParameterCombination", WrongInput),
        ("InvalidDBInstanceState", InstanceNotReady),
        ("StorageQuotaExceeded", NotOffered),
        ("DBInstanceAlreadyExists", RunInProgress),
    ],
)
def test_refusals_have_their_remedy(code: str, kind: type[OpsError], stub: Stub) -> None:
    """The code, what AWS says about it, and what to do."""
    stub(TARGET, "rds").add_client_error("modify_db_instance", code, "So it is.")
    with pytest.raises(kind, match=rf"AWS refuses modify_db_instance \({code}: So it is\): \w+"):
        applying.apply(PLAN, TARGET)


def test_what_nobody_foresaw_is_not_hidden(stub: Stub) -> None:
    """An error without a remedy stays what it is."""
    stub(TARGET, "rds").add_client_error("modify_db_instance", "InternalFailure")
    with pytest.raises(ClientError):
        applying.apply(PLAN, TARGET)
