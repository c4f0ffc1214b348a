"""A copy of a run's folder in S3."""

from pathlib import Path

from cruddur_ops import aws
from cruddur_ops.errors import OpsError, WrongInput
from cruddur_ops.runbook.evidence import manifest
from cruddur_ops.target import Target

SCHEME = "s3://"


def split(url: str) -> tuple[str, str]:
    """The bucket and the folder of a place in S3; WrongInput where it is none."""
    bucket, _, folder = url.removeprefix(SCHEME).partition("/")
    if not url.startswith(SCHEME) or not bucket:
        raise WrongInput(f'"{url}" is no place for evidence: give one such as s3://bucket/folder')
    return bucket, folder.strip("/")


def copy(folder: Path, url: str) -> str:
    """The URL that the copy of a run's folder has below this one."""
    bucket, parent = split(url)
    return SCHEME + "/".join(part for part in (bucket, parent, folder.name) if part)


def require(url: str, target: Target) -> None:
    """Refuse a bucket that is not there, before the run; whether this caller may write to it S3 tells when it does."""
    from botocore.exceptions import ClientError, ParamValidationError

    bucket, _ = split(url)
    try:
        aws.client(target, "s3").head_bucket(Bucket=bucket)
    except (ClientError, ParamValidationError) as error:
        answer = getattr(error, "response", {}).get("ResponseMetadata", {}).get("HTTPStatusCode", 404)
        if answer == 404:  # 403 says nothing of writing
            message = f"there is no bucket {bucket}, and so nothing was run"
            raise WrongInput(f"{message}: make it, or name another with --evidence") from error


def store(folder: Path, url: str, target: Target) -> str:
    """Copy the files in a run's folder below the URL, and return the URL of the copy; one that has its manifest is complete.

    Raises OpsError where S3 refuses, or is not reached: the folder on this machine is whole.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    place = copy(folder, url)
    bucket, key = split(place)
    try:
        for path in sorted(filter(Path.is_file, folder.iterdir()), key=lambda path: path.name == manifest.NAME):
            aws.client(target, "s3").put_object(Bucket=bucket, Key=f"{key}/{path.name}", Body=path.read_bytes())
    except (OpsError, BotoCoreError, ClientError) as error:
        remedy = f"copy it with `aws s3 cp --recursive {folder} {place}` when that is mended"
        raise OpsError(f"the evidence could not be stored at {place} ({error}): {remedy}") from error
    return place
