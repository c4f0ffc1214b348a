"""Parameters of Systems Manager, as Parameter Store refuses and lists them.

One write at a time, so that no two get the same version, as on AWS. Sources: Systems Manager API Reference, PutParameter and
DescribeParameters; User Guide, "Working with Parameter Store", for what an allowed pattern is compared with: the whole value.
"""

import re
import threading
from typing import Any

from moto.ssm import models
from moto.ssm.exceptions import SSMException, ValidationException

from rds_sandbox import kms, pages
from rds_sandbox.errors import NotInSandbox
from rds_sandbox.patches import MOTO, Request, action, replaces
from rds_sandbox.tables import limits

STANDARD, ADVANCED, BY_SIZE = "Standard", "Advanced", "Intelligent-Tiering"
SIZES, LEVELS, PAGE = limits("ssm")["sizes"], limits("ssm")["levels"], limits("ssm")["page"]
_turn = threading.Lock()
_below = models.ParameterDict.get_keys_beginning_with
_tagged = models.SimpleSystemManagerBackend.iter_tagged_resources


@replaces(models.ParameterDict, "get_keys_beginning_with")
def below(known: Any, path: str, recursive: bool) -> list[str]:
    """In the order of names, as Ansible's tests find those of a path on AWS."""
    return sorted(_below(known, path, recursive))


@replaces(models.SimpleSystemManagerBackend, "iter_tagged_resources")
def tagged(backend: Any) -> list[Any]:
    """What the tagging API is told of."""
    with _turn:
        _forget_unknown(backend)
        return list(_tagged(backend))


def _forget_unknown(backend: Any) -> None:
    """Forget the parameters without a version, which moto makes of each name that it looked for."""
    known = backend._parameters
    for name in [name for name, versions in known.items() if not versions]:
        del known[name]


@action("ssm", "PutParameter")
def put(request: Request) -> dict[str, Any]:
    """What is not given stays as it is, the tier and the allowed pattern, too."""
    given, backend = request.parameters, request.backend
    names = ("Name", "Description", "Value", "Type", "AllowedPattern", "KeyId")
    check_name(given["Name"])
    with _turn:
        known = backend._parameters
        before = next(reversed(known.get(known.normalize_name(given["Name"])) or []), None)
        _check_kind(request, before)
        had = before.tier if before else ""
        tier = tier_of(given.get("Tier") or had or backend.default_parameter_tier, had, given["Value"])
        check_value(given["Value"], tier, given.get("AllowedPattern", before and before.allowed_pattern) or "")
        labels, kind = given.get("Tags"), given.get("DataType") or (before.data_type if before else "text")
        rest = (given.get("Overwrite", False), labels, kind, tier, None)
        made = backend.put_parameter(*(given.get(name) for name in names), *rest)
    return {"Version": made.version, "Tier": made.tier}


def _check_kind(request: Request, before: Any) -> None:
    """Refuse a new parameter without a type, and a key that there is not, or that is not enabled."""
    given = request.parameters
    if not (before or given.get("Type")):
        raise ValidationException("A parameter type is required when you create a parameter.")
    if given.get("KeyId") and not kms.usable(request.backend, given["KeyId"]):
        raise SSMException("InvalidKeyId", f"The query key {given['KeyId']} does not exist, or is not enabled.")


def check_name(name: str) -> None:
    """Refuse a name of other characters, a path that is none, or too deep."""
    if not re.fullmatch(limits("ssm")["name"], name):
        raise ValidationException("Parameter name: can be formed as a mix of letters, numbers and the symbols .-_, and slashes.")
    if "/" in name and not name.startswith("/"):
        raise ValidationException("Parameter name must be a fully qualified name")
    if name.count("/") > LEVELS:
        raise SSMException("HierarchyLevelLimitExceededException", f"A hierarchy can have a maximum of {LEVELS} levels.")


def tier_of(asked: str, had: str, value: str) -> str:
    """The tier of a parameter; no advanced one becomes a standard one."""
    if asked == BY_SIZE:
        return ADVANCED if had == ADVANCED or len(value) > SIZES[STANDARD] else STANDARD
    if asked == STANDARD and had == ADVANCED:
        reason = "can't downgrade a parameter from the advanced-parameter tier to the standard-parameter tier"
        raise ValidationException(f"You {reason}: delete it, and create it anew.")
    return asked


def check_value(value: str, tier: str, pattern: str) -> None:
    """Refuse a value that is too long for its tier, or not as the parameter allows."""
    if len(value) > SIZES[tier]:
        advice = "use the advanced-parameter tier" if tier == STANDARD else "store it elsewhere"
        limit = f"support a maximum parameter value of {SIZES[tier]} characters"
        raise ValidationException(f"{tier} tier parameters {limit}: {advice}.")
    try:
        allowed = re.fullmatch(pattern, value, re.DOTALL) if pattern else True
    except re.error as error:
        if r"\p" in pattern:
            raise NotInSandbox(f"the allowed pattern {pattern} has what Python's regular expressions have not") from error
        raise SSMException("InvalidAllowedPatternException", f"The pattern {pattern} is no regular expression.") from error
    if not allowed:
        message = f"Parameter value, cannot be validated against allowedPattern: {pattern}"
        raise SSMException("ParameterPatternMismatchException", message)


@action("ssm", "GetParametersByPath")
def require_path(request: Request) -> object:
    """From the root on (GetParametersByPath, Path)."""
    if not request.parameters["Path"].startswith("/"):
        raise ValidationException('The parameter path must begin with a forward slash "/".')
    return MOTO


@action("ssm", "DescribeParameters")
def describe(request: Request) -> dict[str, Any]:
    asked = request.parameters
    with _turn:
        _forget_unknown(request.backend)
        found = _found(request.backend, asked.get("Filters"), asked.get("ParameterFilters") or [])
    wrong, region = SSMException("InvalidNextToken", "The specified token isn't valid."), request.backend.region_name
    page, rest = pages.cut(found, asked.get("NextToken", "").strip(), asked.get("MaxResults", PAGE), wrong)
    rows = [
        {"Policies": [], **each.describe_response_object(), "ARN": each.response_object(region=region)["ARN"]} for each in page
    ]
    return {"Parameters": rows, "NextToken": rest}


def _found(backend: Any, older: Any, filters: list[Any]) -> list[Any]:
    """Those that the filters find; moto finds none by the tier."""
    backend._validate_parameter_filters(filters, by_path=False)
    tiers = [each["Values"] for each in filters if each["Key"] == "Tier"]
    found = backend.describe_parameters(older, [each for each in filters if each["Key"] != "Tier"])
    return [one for one in found if all(one.tier in each for each in tiers)]
