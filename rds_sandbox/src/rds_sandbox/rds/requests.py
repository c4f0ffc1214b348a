"""What all RDS actions do with a request: parameters in, pages out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore import xform_name
from moto.rds.exceptions import InvalidParameterValue

from rds_sandbox.patches import Request


def given(request: Request) -> dict[str, Any]:
    """The parameters without the empty ones, which RDS takes as not sent (Terraform sends `DBName=`)."""
    return {key: value for key, value in request.parameters.items() if value != ""}


def attributes(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters under the names that moto's models have for them."""
    return {xform_name(key): value for key, value in parameters.items()}


def paged(result: dict[str, Any], parameters: Mapping[str, Any], most: int = 100) -> dict[str, Any]:
    """The result with its list, its first member, cut to the page that `MaxRecords` and `Marker` ask for.

    moto's own `PaginatedResult` needs an attribute that is unique to each row; some of these have none. `most` is the
    highest MaxRecords of the action (API Reference; 20 is the least everywhere, 100 the default).
    """
    limit, marker = parameters.get("MaxRecords", 100), parameters.get("Marker")
    if not 20 <= limit <= most:
        raise InvalidParameterValue(f"Invalid value {limit} for MaxRecords. Must be between 20 and {most}")
    key, rows = next(iter(result.items()))
    start = int(marker) if marker and marker.isdecimal() else 0
    if marker and not 0 < start < len(rows):
        raise InvalidParameterValue("The specified marker is invalid")
    end = start + limit
    return {**result, key: rows[start:end], "Marker": str(end) if end < len(rows) else None}
