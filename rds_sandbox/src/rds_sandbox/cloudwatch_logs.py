"""What moto gets wrong of CloudWatch Logs."""

from __future__ import annotations

from typing import Any

from moto.logs.exceptions import InvalidParameterException

from rds_sandbox.errors import NotInSandbox
from rds_sandbox.patches import MOTO, Request, action
from rds_sandbox.tables import limits

RETENTIONS = limits("logs")["retentions"]


@action("logs", "FilterLogEvents")
def filter_events(request: Request) -> dict[str, Any]:
    """In the order of time, whatever the stream: `interleaved` is ignored (API Reference)."""
    names = ("logGroupName", "logStreamNames", "startTime", "endTime", "limit", "nextToken", "filterPattern")
    asked = [request.parameters.get(name) for name in names]
    events, token, streams = request.backend.filter_log_events(*asked, interleaved=True)
    return {"events": events, "nextToken": token, "searchedLogStreams": streams}


@action("logs", "PutRetentionPolicy")
def check_retention(request: Request) -> object:
    """Certain numbers of days only."""
    days = request.parameters["retentionInDays"]
    if days not in RETENTIONS:
        allowed = f"Member must satisfy enum value set: {RETENTIONS}"
        raise InvalidParameterException(constraint=allowed, parameter="retentionInDays", value=days)
    return MOTO


@action("logs", "StartLiveTail")
def refuse_live_tail(_: Request) -> None:
    """moto answers with what is there already, and then nothing more."""
    raise NotInSandbox("logs:StartLiveTail is not in the sandbox")
