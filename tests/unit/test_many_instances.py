"""An account with 200 DB instances of other targets, under names like one's own: each is told apart, in a few calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import boto3
import pytest
from moto import mock_aws

from cruddur_ops import aws, tags
from cruddur_ops.rds import instances, inventory, snapshots
from cruddur_ops.target import Target

COUNT, REGION = 200, "ca-central-1"
TARGET = Target("test", owner="alice", db_instance_identifier="mine-150", instance_days=30)
REQUEST = {"DBInstanceClass": "db.t4g.micro", "Engine": "postgres", "EngineVersion": "17.4", "AllocatedStorage": 20}
MASTER = {"MasterUsername": "root1", "MasterUserPassword": "correct-horse-battery"}

pytestmark = pytest.mark.thorough  # the account takes seconds to make


@pytest.fixture(scope="module")
def calls() -> Iterator[Counter[str]]:
    """What was called in that account; of its instances every tenth is past its date."""
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "test")
        aws.forget()
        rds = boto3.client("rds", region_name=REGION)
        for number in range(COUNT):
            its = replace(TARGET, db_instance_identifier=f"mine-{number}", instance_days=30)
            labels = tags.of(its) | ({"Expires": "2026-01-01"} if number % 10 == 0 else {})
            rds.create_db_instance(
                DBInstanceIdentifier=its.db_instance_identifier, **REQUEST, **MASTER, Tags=tags.as_list(labels)
            )
        made: Counter[str] = Counter()
        for service in ("rds", "resourcegroupstaggingapi"):
            aws.client(TARGET, service).meta.events.register("before-call", lambda model, **_: made.update([model.name]))
        yield made
        aws.forget()


def test_ones_own_by_its_name(calls: Counter[str]) -> None:
    """One call, however many there are."""
    calls.clear()
    found = instances.describe(TARGET)
    assert found
    assert ("mine-150", True) == (found.identifier, tags.ours(TARGET, found.tags))
    assert {"DescribeDBInstances": 1} == calls


def test_all_of_them_page_by_page(calls: Counter[str]) -> None:
    """A page has 100; of all 200 one is the target's."""
    calls.clear()
    found = instances.describe_all(TARGET)
    assert (COUNT, ["mine-150"]) == (len(found), [name for name, one in found.items() if tags.ours(TARGET, one.tags)])
    assert {"DescribeDBInstances": 2} == calls


def test_those_past_their_date(calls: Counter[str]) -> None:
    """All pages of the index of tags, with nothing asked of each instance."""
    calls.clear()
    found = [str(one) for one in inventory.expired(TARGET, (REGION,))]
    assert COUNT // 10 == sum("rds:db" in one for one in found)
    assert calls.keys() == {"GetResources"}
    assert calls.total() <= COUNT // 10


def test_its_own_snapshots(calls: Counter[str]) -> None:
    """Those of the others are not asked for."""
    calls.clear()
    assert {"mine-150"} == {one.instance for one in snapshots.of_instance(TARGET)}
    assert {"DescribeDBSnapshots": 1} == calls
