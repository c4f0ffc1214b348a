"""Who runs, on which machine, from which commit, with which versions."""

import os
import platform
import subprocess
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from cruddur_ops import aws
from cruddur_ops.errors import OpsError
from cruddur_ops.state import PROJECT, began, user
from cruddur_ops.target import Target

PACKAGES = ("cruddur-ops", "boto3", "botocore", "ipython-sql", "moto", "papermill", "psycopg", "sqlalchemy")


def surroundings() -> dict[str, Any]:
    """What holds before the first notebook runs, and asks nobody but this machine."""
    return {
        "user": user(),
        "host": platform.node(),
        "process": os.getpid(),
        "process_began": began(os.getpid()),
        "caller": None,
        "where": None,
        "git": commit(PROJECT),
        "versions": {"python": platform.python_version(), **dict(_versions())},
    }


def caller(target: Target) -> str | None:
    """The ARN by which AWS knows the caller; None where AWS is not asked, or does not tell."""
    if target.connection_url:
        return None
    try:
        return str(aws.caller_identity(target)["Arn"])
    except OpsError:  # the run itself tells why, in the first notebook that asks AWS
        return None


def where(target: Target) -> dict[str, str | None]:
    """Account, region and endpoint: the sandbox's, AWS's, or the server of the connection URL; None where it does not tell."""
    found = {"account": target.account_id or None, "region": target.region, "endpoint": None}
    try:
        found["endpoint"] = _endpoint(target)
        if not target.connection_url:
            found["account"] = aws.caller_identity(target)["Account"]
    except OpsError:  # the same
        pass
    return found


def _endpoint(target: Target) -> str:
    if target.connection_url:
        from cruddur_ops.database.location import locate

        return str(locate(target))
    return "the sandbox" if target.sandbox else "AWS"


def _versions() -> Iterator[tuple[str, str]]:
    for package in PACKAGES:
        try:
            yield package, version(package)
        except PackageNotFoundError:  # such as moto, which production use does not install
            continue


def commit(folder: Path) -> dict[str, Any] | None:
    """The commit that is checked out, and whether files differ from it; None without git or repository."""

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(folder), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        return {"commit": git("rev-parse", "HEAD"), "dirty": bool(git("status", "--porcelain"))}
    except (OSError, subprocess.CalledProcessError):
        return None
