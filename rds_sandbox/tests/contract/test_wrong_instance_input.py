"""Wrong input to CreateDBInstance: refused by a live sandbox with AWS's code, and nothing half done."""

from __future__ import annotations

from collections.abc import Mapping

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.cases import CASES, VALID, Case
from tests.support import Client

WAIT = {"Delay": 1, "MaxAttempts": 60}


def client_of(sandbox: Mapping[str, str], region: str) -> Client:
    """An RDS client of this region."""
    return boto3.client(
        "rds",
        endpoint_url=sandbox["AWS_ENDPOINT_URL"],
        region_name=region,
        aws_access_key_id="sandbox",
        aws_secret_access_key="sandbox",
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_wrong_input_is_refused_and_creates_nothing(sandbox: Mapping[str, str], case: Case) -> None:
    """The code is the documented one, and the instance is not there afterwards."""
    rds = client_of(sandbox, case.region)
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
