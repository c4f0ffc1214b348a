"""A run's folder, copied to the sandbox's S3."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from cruddur_ops.errors import OpsError, WrongInput
from cruddur_ops.runbook.evidence import Record, manifest, storage
from cruddur_ops.target import Target
from tests.sandbox.support import REGION, Client, make_client


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a run without notebooks."""
    record = Record(tmp_path, "local", {"plan_only": False, "parameters": {}, "settings": {}})
    record.write("passed")
    return record.folder


@pytest.fixture
def s3(sandbox: Mapping[str, str], target: Target) -> Client:
    """boto3's S3 client, and a bucket."""
    made = make_client(sandbox, "s3")
    made.create_bucket(Bucket="evidence", CreateBucketConfiguration={"LocationConstraint": REGION})
    return made


def test_the_copy_is_the_folder(s3: Client, target: Target, folder: Path, tmp_path: Path) -> None:
    """Fetched again, it is verified like the original."""
    url = storage.store(folder, "s3://evidence/runs/", target)
    assert f"s3://evidence/runs/{folder.name}" == url
    fetched = tmp_path / "fetched" / folder.name
    fetched.mkdir(parents=True)
    for item in s3.list_objects_v2(Bucket="evidence", Prefix=f"runs/{folder.name}/")["Contents"]:
        s3.download_file("evidence", item["Key"], str(fetched / Path(item["Key"]).name))
    assert manifest.verify(folder) == manifest.verify(fetched)


@pytest.mark.usefixtures("s3")
def test_a_missing_bucket_is_a_sentence(target: Target, folder: Path) -> None:
    """It says how to copy the folder later; the folder is whole."""
    with pytest.raises(OpsError, match="aws s3 cp --recursive"):
        storage.store(folder, "s3://no-such-bucket", target)
    manifest.verify(folder)


@pytest.mark.usefixtures("s3")
def test_a_missing_bucket_is_found_before_the_run(target: Target) -> None:
    """One that is there is not written to yet."""
    storage.require("s3://evidence/runs", target)
    for name in ("no-such-bucket", "No_Name"):
        with pytest.raises(WrongInput, match=f"there is no bucket {name}, and so nothing was run"):
            storage.require(f"s3://{name}/runs", target)


@pytest.mark.parametrize("url", ["", "evidence", "s3://", "s3:///folder", "https://evidence"])
def test_what_is_no_place_in_s3_is_refused(url: str) -> None:
    """Before the run."""
    with pytest.raises(WrongInput, match="s3://bucket/folder"):
        storage.split(url)
