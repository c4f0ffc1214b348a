"""Wrong input to CreateDBInstance: refused by a live sandbox with AWS's code, and nothing half done."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from rds_sandbox import Sandbox
from tests.cases import CASES, REGION, VALID, Case
from tests.support import Client

WAIT = {"Delay": 1, "MaxAttempts": 60}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_wrong_input_is_refused_and_creates_nothing(rds_sandbox: Sandbox, rds: Client, case: Case) -> None:
    """The code is the documented one, and the instance is not there afterwards."""
    if case.region != REGION:
        rds = rds_sandbox.client("rds", region_name=case.region)
    with pytest.raises(ClientError) as raised:
        rds.create_db_instance(**case.request)
    assert case.code == raised.value.response["Error"]["Code"]
    found = {instance["DBInstanceIdentifier"] for instance in rds.describe_db_instances()["DBInstances"]}
    assert case.request["DBInstanceIdentifier"].lower() not in found


def test_a_second_instance_of_the_same_identifier_is_refused(rds: Client) -> None:
    """Upper and lower case are one identifier; the first instance stays."""
    name = "wrong-input-twice"
    rds.create_db_instance(**{**VALID, "DBInstanceIdentifier": name})
    try:
        with pytest.raises(rds.exceptions.DBInstanceAlreadyExistsFault) as raised:
            rds.create_db_instance(**{**VALID, "DBInstanceIdentifier": name.upper()})
        assert "DBInstanceAlreadyExists" == raised.value.response["Error"]["Code"]
        assert 1 == len(rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"])
    finally:
        rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier=name, WaiterConfig=WAIT)
        rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)
