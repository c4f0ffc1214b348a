"""The lists that Lambda answers with, page by page."""

from collections.abc import Sequence
from typing import Any

from moto.awslambda.exceptions import InvalidParameterValueException

from rds_sandbox import pages
from rds_sandbox.lambdas.validation import LIMITS
from rds_sandbox.patches import Request, action


@action("lambda", "ListFunctions")
def list_functions(request: Request) -> dict[str, Any]:
    """The unpublished version of each, or all versions."""
    found = request.backend.list_functions(request.parameters.get("FunctionVersion"))
    return _paged("Functions", [each.listed() for each in found], request)


@action("lambda", "ListVersionsByFunction")
def list_versions(request: Request) -> dict[str, Any]:
    """The unpublished one first."""
    name = request.backend.unqualified(request.parameters["FunctionName"]).function_name
    found = request.backend.list_versions_by_function(name)
    return _paged("Versions", [each.listed() for each in found], request)


@action("lambda", "ListAliases")
def list_aliases(request: Request) -> dict[str, Any]:
    """All, or those of a version."""
    asked = request.parameters
    aliases = request.backend.unqualified(asked["FunctionName"]).common.aliases
    found = [alias.described() for _, alias in sorted(aliases.items())]
    rows = [each for each in found if asked.get("FunctionVersion") in (None, each["FunctionVersion"])]
    return _paged("Aliases", rows, request, LIMITS["aliases_page"])


def _paged(key: str, rows: Sequence[Any], request: Request, most: int = LIMITS["page"]) -> dict[str, Any]:
    """The page that MaxItems and Marker ask for."""
    asked = request.parameters
    wrong = InvalidParameterValueException("The Marker is invalid: pass the NextMarker of the answer before.")
    page, rest = pages.cut(rows, asked.get("Marker"), min(asked.get("MaxItems", most), most), wrong)
    return {key: page, "NextMarker": rest}
