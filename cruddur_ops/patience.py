"""Calls that AWS refuses at first and takes a little later: made again until it does, or the time is over."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cruddur_ops import aws, progress

if TYPE_CHECKING:
    from cruddur_ops.plan import Call
    from cruddur_ops.targets import Target

# By operation: the error code that passes with time, and the seconds after which it is taken for the truth.
Passing = Mapping[str, tuple[str, float]]
# A role that was just made is not known everywhere yet (IAM User Guide, "Troubleshoot IAM": eventually consistent).
NEW_ROLE: dict[str, tuple[str, float]] = {"create_schedule": ("ValidationException", 60)}


def call(target: Target, planned: Call, passing: Passing = NEW_ROLE) -> dict[str, Any]:
    """Make the API call of a plan, again and again for as long as the answer is one that passes.

    Raises:
        ClientError: AWS refuses for another reason, or still when the time is over.
    """
    code, seconds = passing.get(planned.operation, ("", 0.0))
    deadline = time.monotonic() + seconds
    answer, said = _attempt(target, planned, code if seconds else "")
    if not said:
        return answer
    with progress.waiting(planned.operation.replace("_", " ")) as show:
        for pause in progress.pauses():
            show(said)
            time.sleep(pause)
            answer, said = _attempt(target, planned, code if time.monotonic() < deadline else "")
            if not said:
                return answer
    raise AssertionError("the pauses never end")


def _attempt(target: Target, planned: Call, code: str) -> tuple[dict[str, Any], str]:
    """The answer, or what AWS said where it refused with this code, which passes."""
    from botocore.exceptions import ClientError

    try:
        return aws.call(target, planned), ""
    except ClientError as error:
        if not code or aws.error_code(error) != code:
            raise
        return {}, str(error.response["Error"].get("Message") or code)
