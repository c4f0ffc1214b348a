"""A copy of a run's folder in S3, written by papermill's own S3 support."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cruddur_ops import aws
from cruddur_ops.errors import OpsError, WrongInput

if TYPE_CHECKING:
    from cruddur_ops.targets import Target

SCHEME = "s3://"


class EvidenceNotStored(OpsError):
    """S3 did not take the copy; the folder on this machine is whole."""


def require_usable(url: str) -> None:
    """Refuse what is no place in S3, before the run.

    Raises:
        WrongInput: so it is.
    """
    bucket = url.removeprefix(SCHEME).partition("/")[0]
    if not url.startswith(SCHEME) or not bucket:
        raise WrongInput(f'"{url}" is no place for evidence: give one such as s3://bucket/folder')


def store(folder: Path, url: str, target: Target) -> str:
    """Copy the files of a run below the URL, and return the URL of the copy.

    run.json comes last: a copy that has it is complete.

    Args:
        folder: of the run.
        url: such as s3://bucket/folder.
        target: whose account the bucket is in.

    Raises:
        EvidenceNotStored: S3 refused, or was not reached.
    """
    from botocore.exceptions import BotoCoreError, ClientError
    from papermill.iorw import S3Handler

    copy = f"{url.rstrip('/')}/{folder.name}"
    files = sorted(folder.iterdir(), key=lambda path: (path.name == "run.json", path.name))
    _give_session(target)
    try:
        for path in files:
            S3Handler.write(path.read_text(encoding="utf-8"), f"{copy}/{path.name}")
    except (BotoCoreError, ClientError, OSError) as error:
        remedy = f"copy it with `aws s3 cp --recursive {folder} {copy}` when that is mended"
        raise EvidenceNotStored(f"the evidence could not be stored at {copy} ({error}): {remedy}") from error
    return copy


def _give_session(target: Target) -> None:
    """Let papermill use the target's credentials and endpoint: by itself it knows the environment's alone."""
    from papermill.s3 import S3

    session, endpoint = aws.session(target), target.endpoint_url or None
    S3.s3_session = (session, session.client("s3", endpoint_url=endpoint), session.resource("s3", endpoint_url=endpoint))
