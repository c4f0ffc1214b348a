"""The thin layer that makes a plan's AWS API calls."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
from botocore.exceptions import ClientError

from cruddur_ops import calls
from cruddur_ops.calls import Call
from cruddur_ops.change import Action, Change, Outcome
from cruddur_ops.errors import InstanceNotReady, NotOffered, OpsError, RunInProgress, WrongInput
from cruddur_ops.plan import Plan, step
from cruddur_ops.target import Target
from tests.unit.conftest import ACCOUNT, Stub

TARGET = Target("test", account_id=ACCOUNT)
MODIFY = Call("rds", "modify_db_instance", {"DBInstanceIdentifier": "x"})
CHANGES = (Change(Action.MODIFY, "DB instance x", calls=(MODIFY,)), Change(Action.MODIFY, "DB instance x", "y"))


def test_the_calls_of_a_plan_are_made(stub: Stub) -> None:
    """Each call once; a change that is a detail of another has none."""
    answers = stub(TARGET, "rds")
    answers.add_response("modify_db_instance", {}, {"DBInstanceIdentifier": "x"})
    assert Outcome(changed=1) == step(lambda _: Plan("x", CHANGES))(TARGET).apply()
    answers.assert_no_pending_responses()


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
        calls.send(TARGET, MODIFY)


@pytest.mark.parametrize(("code", "gone"), [("InvalidVpcEndpoint.NotFound", True), ("OperationNotPermitted", False)])
def test_an_endpoint_that_is_gone_already(code: str, gone: bool, stub: Stub) -> None:
    """An answer that was lost, or somebody quicker: there is nothing to mend. Any other failure is told."""
    answer = {"Unsuccessful": [{"ResourceId": "vpce-1", "Error": {"Code": code, "Message": "So it is."}}]}
    stub(TARGET, "ec2").add_response("delete_vpc_endpoints", answer)
    with nullcontext() if gone else pytest.raises(OpsError, match=code):
        calls.send(TARGET, Call("ec2", "delete_vpc_endpoints", {"VpcEndpointIds": ["vpce-1"]}))


def test_what_nobody_foresaw_is_not_hidden(stub: Stub) -> None:
    """An error without a remedy stays what it is."""
    stub(TARGET, "rds").add_client_error("modify_db_instance", "InternalFailure")
    with pytest.raises(ClientError):
        calls.send(TARGET, MODIFY)
