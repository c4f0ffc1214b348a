"""Pages of EC2's lists.

Source: Amazon EC2 API Reference, "Pagination"; botocore's model has the range of MaxResults, where an action has one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from moto.ec2.exceptions import InvalidNextToken


def paged(member: str, rows: Sequence[Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """The result with those rows that MaxResults and NextToken ask for, all of them by default, under this member's name."""
    token = asked.get("NextToken")
    start = int(token) if token and token.isdecimal() else 0
    if token and not 0 < start < len(rows):
        raise InvalidNextToken(token)
    end = start + (asked.get("MaxResults") or len(rows))
    return {member: rows[start:end], "NextToken": str(end) if end < len(rows) else None}
