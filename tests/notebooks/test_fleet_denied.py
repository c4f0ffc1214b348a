"""A fleet whose caller may not do everything: a target, or its evidence, is denied by the sandbox's IAM."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cruddur_ops.fleet import record
from rds_sandbox import Sandbox, sandbox
from tests.notebooks.test_fleet import EACH, environment, ops

DENIED, BUCKET = "t2", "evidence"
POLICY = [
    {"Effect": "Allow", "Action": "*", "Resource": "*"},
    {"Effect": "Deny", "Action": "rds:*", "Resource": f"arn:aws:rds:*:*:db:fleet-{DENIED}"},
]

pytestmark = pytest.mark.thorough


@pytest.fixture(scope="module")
def account() -> Iterator[Sandbox]:
    """A sandbox that enforces IAM, with a bucket, and a user with this policy."""
    with sandbox() as it:
        it.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "ca-central-1"})
        own = it.client("iam")
        own.create_user(UserName="operator")
        document = json.dumps({"Version": "2012-10-17", "Statement": POLICY})
        own.put_user_policy(UserName="operator", PolicyName="most", PolicyDocument=document)
        it.enforce_iam()
        yield it


@pytest.fixture
def owner(account: Sandbox, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of the account's owner, with two targets."""
    (tmp_path / "targets.toml").write_text("".join(EACH.format(name=name) for name in ("t1", DENIED)))
    with environment(account.environment, tmp_path) as found:
        yield found


@pytest.fixture
def operator(account: Sandbox, owner: dict[str, str]) -> dict[str, str]:
    """That of the user."""
    key = account.client("iam").create_access_key(UserName="operator")["AccessKey"]
    return {**owner, "AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}


def test_a_target_that_is_denied(operator: dict[str, str], tmp_path: Path) -> None:
    """It says which action on which resource; the others pass."""
    done = ops(operator, "run", "01", "--targets", "t*", "--max-errors", "1")
    found = record.find("last", tmp_path / "runs").reports()
    assert (1, "passed", "denied") == (done.returncode, found["t1"].verdict, found[DENIED].verdict), done
    assert f"AWS denies rds:DescribeDBInstances on arn:aws:rds:ca-central-1:123456789012:db:fleet-{DENIED}" in found[DENIED].why


def test_the_page_is_read_where_the_evidence_goes(owner: dict[str, str], tmp_path: Path, account: Sandbox) -> None:
    """With the record of the fleet, and each run's folder where the page leads to."""
    done = ops(owner, "run", "00", "--targets", "t1", "--evidence", f"s3://{BUCKET}/runs")
    fleet = record.find("last", tmp_path / "runs")
    assert (0, True) == (done.returncode, f"copy: s3://{BUCKET}/runs/{fleet.name}/index.html" in done.stdout), done
    s3, prefix = account.client("s3"), f"runs/{fleet.name}"
    kept = {one["Key"].removeprefix(f"{prefix}/") for one in s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix)["Contents"]}
    run = f"target-t1/{Path(fleet.reports()['t1'].folder).name}/index.html"
    assert {"index.html", record.NAME, record.RESULTS, run} <= kept
    page = s3.get_object(Bucket=BUCKET, Key=f"{prefix}/index.html")["Body"].read().decode()
    assert f'<a href="{run}">t1</a>' in page and "1 targets: 1 passed" in page


def test_evidence_that_nobody_may_store(operator: dict[str, str], owner: dict[str, str], tmp_path: Path) -> None:
    """Where the caller may not, or there is no such bucket, nothing is run."""
    denied = ops(operator, "run", "00", "--targets", "t1", "--evidence", f"s3://{BUCKET}/runs")
    nowhere = ops(owner, "run", "00", "--targets", "t1", "--evidence", "s3://nowhere")
    assert (1, True) == (denied.returncode, "AWS denies s3:PutObject" in denied.stderr), denied
    assert (2, True) == (nowhere.returncode, "there is no bucket nowhere, and so nothing was run" in nowhere.stderr), nowhere
    assert [] == list(tmp_path.glob(f"runs/*/{record.RESULTS}"))
