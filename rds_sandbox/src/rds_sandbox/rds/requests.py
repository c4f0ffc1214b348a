"""What all RDS actions do with a request: parameters in, pages out."""

from collections.abc import Collection, Mapping
from typing import Any

from botocore import xform_name
from moto.core.utils import get_service_model
from moto.rds.exceptions import InvalidParameterCombination, InvalidParameterValue

from rds_sandbox import pages
from rds_sandbox.errors import NotInSandbox
from rds_sandbox.patches import Request
from rds_sandbox.rds import facts


def given(request: Request) -> dict[str, Any]:
    """The parameters without the empty ones, which RDS takes as not sent (Terraform sends `DBName=`).

    What is another engine's, or nothing here stands behind, is refused.
    """
    shape = get_service_model("rds").operation_model(request.name).input_shape
    for name in shape.required_members if shape else ():
        if request.parameters[name] == "":
            raise InvalidParameterValue(f"The parameter {name} must be provided and must not be blank.")
    engine, asked = facts.tables()["engine"], {key: value for key, value in request.parameters.items() if value != ""}
    wanted = {key for key, value in asked.items() if value and value != engine["usual"].get(key)}
    for name in sorted(wanted.intersection(engine["foreign_parameters"])):
        raise InvalidParameterCombination(f"{name} is not supported for engine {engine['name']}.")
    for name, why in engine["foreign_to"].get(request.name, {}).items():
        if name in wanted:
            raise InvalidParameterCombination(why)
    for name in sorted(wanted.intersection(engine["lacking_parameters"])):
        raise NotInSandbox(f"{name} of {request.name} is not in the sandbox")
    return asked


def filters(asked: Mapping[str, Any], known: Collection[str] | None = None) -> dict[str, list[str]]:
    """The values of each filter; refused are those that the action does not have. Without `known`, moto refuses them."""
    found = {each["Name"]: each["Values"] for each in asked.get("Filters") or ()}
    if known is not None and (unknown := found.keys() - known):
        raise InvalidParameterValue(f"Unrecognized filter name: {min(unknown)}")
    return found


def attributes(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters under the names that moto's models have for them."""
    return {xform_name(key): value for key, value in parameters.items()}


def paged(result: dict[str, Any], parameters: Mapping[str, Any], most: int = 100, least: int = 20) -> dict[str, Any]:
    """The result with its list, its first member, cut to the page that `MaxRecords` and `Marker` ask for.

    moto's own `PaginatedResult` needs an attribute that is unique to each row; some of these have none. `most` and
    `least` are the limits of the action's MaxRecords (API Reference), whose default is 100.
    """
    limit, marker = parameters.get("MaxRecords", 100), parameters.get("Marker")
    if not least <= limit <= most:
        raise InvalidParameterValue(f"Invalid value {limit} for MaxRecords. Must be between {least} and {most}")
    key, rows = next(iter(result.items()))
    page, rest = pages.cut(rows, marker, limit, InvalidParameterValue("The specified marker is invalid"))
    return {**result, key: page, "Marker": rest}
