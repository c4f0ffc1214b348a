"""Answers of the Resource Groups Tagging API, as it gives them.

Source: Resource Groups Tagging API Reference, GetResources, GetTagKeys and GetTagValues.
"""

from __future__ import annotations

from typing import Any

from rds_sandbox import pages
from rds_sandbox.patches import Request, action
from rds_sandbox.request_model import Refused
from rds_sandbox.tables import limits


@action("resourcegroupstaggingapi", "GetResources")
def resources(request: Request) -> dict[str, Any]:
    """The last page has an empty token, where moto's has none."""
    found = request.moto.get_resources().result
    return {**found, "PaginationToken": found["PaginationToken"] or ""}


@action("resourcegroupstaggingapi", "GetTagKeys")
def keys(request: Request) -> dict[str, Any]:
    """Each once, however many resources have it."""
    return _paged("TagKeys", request.backend._get_tag_keys_generator(), request)


@action("resourcegroupstaggingapi", "GetTagValues")
def values(request: Request) -> dict[str, Any]:
    """The same, of the values of one key."""
    return _paged("TagValues", request.backend._get_tag_values_generator(request.parameters["Key"]), request)


def _paged(key: str, found: Any, request: Request) -> dict[str, Any]:
    rows, token = sorted(set(found)), request.parameters.get("PaginationToken") or "0"
    if token != "0" and not pages.leads_on(token, rows):
        raise Refused("PaginationTokenExpiredException", "The token is not of an answer that was just given.")
    page, rest = pages.cut(rows, token, limits("resourcegroupstaggingapi")["page"])
    return {key: page, "PaginationToken": rest or ""}
