"""Answers of the Resource Groups Tagging API, as it gives them.

Source: Resource Groups Tagging API Reference, GetResources, GetTagKeys, GetTagValues, TagResources, and FailureInfo: the code
may be any of the resource's own service.
"""

from typing import Any

from moto.core.errors import get_error_model
from moto.core.exceptions import JsonRESTError, ServiceException
from moto.core.utils import get_service_model

from rds_sandbox import pages
from rds_sandbox.patches import Request, action
from rds_sandbox.request_model import Refused
from rds_sandbox.tables import limits


@action("resourcegroupstaggingapi", "GetResources")
def resources(request: Request) -> dict[str, Any]:
    """The last page has an empty token, where moto's has none."""
    if any("Key" not in one for one in request.parameters.get("TagFilters") or ()):
        raise Refused("InvalidParameterException", "Each of TagFilters must have a Key.")
    found = request.moto.get_resources().result
    return {**found, "PaginationToken": found["PaginationToken"] or ""}


@action("resourcegroupstaggingapi", "GetTagKeys")
def keys(request: Request) -> dict[str, Any]:
    """Each once, however many resources have it."""
    return _paged("TagKeys", request.backend._get_tag_keys_generator(), request)


@action("resourcegroupstaggingapi", "GetTagValues")
def values(request: Request) -> dict[str, Any]:
    return _paged("TagValues", request.backend._get_tag_values_generator(request.parameters["Key"]), request)


def _paged(key: str, found: Any, request: Request) -> dict[str, Any]:
    token, size = request.parameters.get("PaginationToken"), limits("resourcegroupstaggingapi")["page"]
    wrong = Refused("PaginationTokenExpiredException", "The token is not of an answer that was just given.")
    page, rest = pages.cut(sorted(set(found)), token, size, wrong)
    return {key: page, "PaginationToken": rest or ""}


@action("resourcegroupstaggingapi", "TagResources", "UntagResources")
def tag(request: Request) -> dict[str, Any]:
    """Each by itself, where moto fails as a whole, and may have tagged some."""
    asked, failed = request.parameters, dict[str, Any]()
    for arn in asked["ResourceARNList"]:
        try:
            if request.name == "TagResources":
                failed |= request.backend.tag_resources([arn], asked["Tags"])
            else:
                failed |= request.backend.untag_resources([arn], asked["TagKeys"])
        except ServiceException as error:
            status = get_error_model(error, get_service_model("resourcegroupstaggingapi")).metadata["error"]
            failed[arn] = _failure(status.get("httpStatusCode", 400), error.code, error.message)
        except JsonRESTError as error:  # of the older kind
            failed[arn] = _failure(error.code, error.error_type, error.message)
    return {"FailedResourcesMap": failed}


def _failure(status: int, code: str, message: str) -> dict[str, Any]:
    return {"StatusCode": status, "ErrorCode": code, "ErrorMessage": message}
