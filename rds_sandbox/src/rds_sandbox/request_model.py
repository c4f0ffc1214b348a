"""A request held to botocore's model of its action: type, required, length, range, pattern, values.

The codes are those of each service's "Common Errors" page in its API reference; what is answered for a value that the
model forbids is worded as AWS words it: "1 validation error detected: ...".
"""

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, cast

from botocore.model import OperationNotFoundError
from moto.core.exceptions import ServiceException
from moto.core.parse import PROTOCOL_PARSERS, JSONParser
from moto.core.request import determine_request_protocol
from moto.core.utils import get_service_model

from rds_sandbox import tables
from rds_sandbox.errors import NotInSandbox
from rds_sandbox.tables import limits

# What a tag's key cannot begin with, whoever gives or takes it (AWS General Reference, "Tagging AWS resources"; of RDS: its API
# Reference, Tag), and where it is found.
RESERVED = {"rds": ("aws:", "rds:")}
TAGS = ("Tags", "tags", "UserPoolTags", "TagKeys", "tagKeys")
# What the services that say more of tags than their model does let them be made of.
TAG_LIMITS: Mapping[str, Mapping[str, Any]] = {"rds": limits("rds")["tags"]}
# Lambda words these itself: a value that it has withdrawn or reserved is another error than a wrong one.
LEFT = frozenset({"EnvironmentVariableName", "Runtime"})
TYPES: Mapping[str, type | tuple[type, ...]] = {
    "string": str, "integer": int, "long": int, "boolean": bool, "list": list, "map": dict, "structure": dict,
    "float": (int, float), "double": (int, float),
}  # fmt: skip

WRONG_TYPE = "Member must be of type "
BARE = ("kms", "logs")  # whose messages do not repeat the value, as moto's tests have it that were verified on AWS
XML = "rest-xml"  # moto checks the requests of S3 and its like, whose errors are of their own kind


class Refused(ServiceException):
    """A refusal in the shape of the request's service; moto looks for errors of its own in the service of their module."""


NO_FILTERS = re.compile("(isn't|is not) currently supported")  # so the model says of the Filters of some actions
FILTER = re.compile("<code>([^<]+)</code>")
Fault = tuple[str, str]  # which parameter, and what is wrong with it; nothing where it is missing


def _parse_list(parser: Any, shape: Any, node: Any) -> Any:
    """Of JSON: moto makes a list of the characters of a string."""
    if not isinstance(node, list):
        raise TypeError(node)
    return [parser._parse_shape(shape.member, each) for each in node]


JSONParser._parse_list = _parse_list  # type: ignore[method-assign]


def read(service: str, name: str, request: Any, uri: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of moto's request, all under the names of botocore's model; `uri` are those that the path has."""
    model = get_service_model(service)
    if model.protocol == XML:
        return {}
    protocol = determine_request_protocol(model, request.content_type)
    try:
        if protocol == "json":  # of what is none moto's parser makes no parameters
            json.loads(request.data or b"{}")
        parser = PROTOCOL_PARSERS[protocol](model.operation_model(name), map_type=dict)
        parts = {"values": request.values, "headers": request.headers, "body": request.data, "url_params": uri}
        found: dict[str, Any] = parser.parse(cast(Any, {**parts, "method": request.method, "url_path": request.path}))
    except OperationNotFoundError as error:
        raise Refused(tables.code("unknown", protocol), f"Could not find operation {name} for {service}") from error
    except (ValueError, TypeError, AttributeError, KeyError) as error:  # what moto's parsers make of no number, no list ...
        raise Refused(tables.code("malformed", service, protocol), "The request is malformed.") from error
    return found


def check(service: str, name: str, parameters: Mapping[str, Any]) -> None:
    """Refuse the first parameter that is not as the model has it."""
    model = get_service_model(service)
    if model.protocol == XML:
        return
    shape = model.operation_model(name).input_shape
    code, missing = tables.code("invalid", service, model.protocol), tables.code("missing", service)
    for path, problem in _faults(shape, parameters, "") if shape else ():
        if missing and not problem:
            raise Refused(missing, f"The request must contain the parameter {path}")
        problem = re.sub("^Value '.*?' at '", "Value at '", problem, flags=re.DOTALL) if service in BARE else problem
        code = tables.code("malformed", service, model.protocol) if WRONG_TYPE in problem else code
        problem = problem or f"Value null at '{_member(path)}' failed to satisfy constraint: Member must not be null"
        raise Refused(code, f"1 validation error detected: {problem}")
    for name in _unknown_filters(service, shape, parameters):
        raise Refused(code, f"The filter '{name}' is invalid" if service == "ec2" else f"Unrecognized filter name: {name}")
    for key, value in tags(parameters):
        if problem := _tag_problem(service, key, value):
            raise Refused(tables.code("tag", service) or code, problem)


def _unknown_filters(service: str, shape: Any, parameters: Mapping[str, Any]) -> list[str]:
    """Names that the action does not have: where it has none, and of EC2 where none of its actions has them.

    EC2 finds by more than the page of an action lists, VPCs by `cidr-block` (Ansible's ec2_vpc_net), and by its older names, such
    as `isDefault` (Terraform's data source of VPCs). What moto does not find by is not in the sandbox.
    """
    given = [str(each.get("Name", "")) for each in parameters.get("Filters") or ()]
    text = shape.members["Filters"].documentation if given else ""
    if NO_FILTERS.search(text):
        return given
    if service != "ec2" or "<li>" not in text:
        return []
    return [each for each in given if not each.startswith("tag") and not _names(each) & _filters_of_ec2()]


def _names(name: str) -> set[str]:
    """A name and the one with hyphens: `isDefault` and `is-default`."""
    return {name, re.sub("(?<=[a-z])[A-Z]", lambda found: f"-{found[0].lower()}", name)}


@cache
def _filters_of_ec2() -> set[str]:
    model = get_service_model("ec2")
    shapes = filter(None, (model.operation_model(name).input_shape for name in model.operation_names))
    texts = [shape.members["Filters"].documentation for shape in shapes if "Filters" in shape.members]
    return {name for text in texts for name in FILTER.findall(text)}


def _tag_problem(service: str, key: str, value: str) -> str:
    """What is wrong with a tag, if anything; the message of the characters is as users of RDS report it."""
    if not key or key.lower().startswith(RESERVED.get(service, ("aws:",))):
        rule = "Tag keys starting with 'aws:' are reserved for internal use" if key else "Tag keys cannot be empty"
        return f"Value ( {key} ) for parameter key is invalid. {rule}"
    rules = TAG_LIMITS.get(service, {})
    for kind, text in (("key", key), ("value", value)) if rules else ():
        if len(text) > rules[kind]:
            return f"Tag {kind}s can be at most {rules[kind]} characters long"
        if any(unicodedata.category(each)[0] not in rules["categories"] and each not in rules["symbols"] for each in text):
            allowed = f"unicode letters, digits, whitespace, or one of these symbols: {' '.join(rules['symbols'])}"
            return f"Tag {kind}s may only contain {allowed}"
    return ""


def check_lacking(service: str, name: str, parameters: Mapping[str, Any]) -> None:
    """Refuse the parameters that lacking.toml says nothing stands behind."""
    known = tables.read(__package__, "lacking.toml").get(service, {}).get(name, {})
    lacking, taken = known.get("lacking", ()), known.get("taken", parameters)
    if found := [each for each, value in parameters.items() if value and (each in lacking or each not in taken)]:
        raise NotInSandbox(f"{', '.join(sorted(found))} of {name} is not in the sandbox")


def tags(parameters: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Keys and values that a request gives or takes away, whatever the service calls them."""
    for name, value in parameters.items():
        if name == "TagSpecifications":
            yield from (tag for each in value for tag in tags(each))
        elif name in TAGS and isinstance(value, dict):
            yield from value.items()
        elif name in TAGS:
            yield from (_tag(each) for each in value)


def _tag(tag: Any) -> tuple[str, str]:
    """Of a list: a key and its value, or a key alone."""
    if not isinstance(tag, dict):
        return str(tag), ""
    found = {name.lower().removeprefix("tag"): str(value) for name, value in tag.items()}
    return found.get("key", ""), found.get("value", "")


def _member(path: str) -> str:
    return path[:1].lower() + path[1:]


def _faults(shape: Any, value: Any, path: str) -> Iterator[Fault]:
    kind = shape.type_name
    if getattr(shape, "is_document_type", False) or shape.serialization.get("jsonvalue"):
        return
    if kind in TYPES and (not isinstance(value, TYPES[kind]) or (kind != "boolean" and isinstance(value, bool))):
        yield path, _said(shape, value, path, f"{WRONG_TYPE}{kind}")
        return
    if problem := _problem(shape, value):
        yield path, _said(shape, value, path, problem)
    if kind == "structure":
        yield from ((f"{path}.{name}".lstrip("."), "") for name in shape.required_members if value.get(name) is None)
        for name, member in shape.members.items():
            if value.get(name) is not None:
                yield from _faults(member, value[name], f"{path}.{name}".lstrip("."))
    elif kind == "list":
        for number, each in enumerate(value, 1):
            yield from _faults(shape.member, each, f"{path}.{number}.member")
    elif kind == "map":
        for key, each in value.items():
            yield from _faults(shape.key, key, f"{path}.{key}.key")
            yield from _faults(shape.value, each, f"{path}.{key}.value")


def _said(shape: Any, value: Any, path: str, problem: str) -> str:
    shown = "" if shape.metadata.get("sensitive") else f" '{value}'"
    return f"Value{shown} at '{_member(path)}' failed to satisfy constraint: {problem}"


def _problem(shape: Any, value: Any) -> str:
    """What the limits of the shape say of a value of its type."""
    if shape.type_name == "string" and value == "":  # services differ in what a blank is: their actions say
        return ""
    if shape.name in LEFT:
        return ""
    limits, measure = shape.metadata, len(value) if hasattr(value, "__len__") else value
    what = "length" if hasattr(value, "__len__") else "value"
    if "min" in limits and measure < limits["min"]:
        return f"Member must have {what} greater than or equal to {limits['min']}"
    if "max" in limits and measure > limits["max"]:
        return f"Member must have {what} less than or equal to {limits['max']}"
    if shape.type_name == "string" and shape.enum and value not in shape.enum:
        return f"Member must satisfy enum value set: [{', '.join(shape.enum)}]"
    pattern = _compiled(shape.metadata.get("pattern", "")) if shape.type_name == "string" else None
    if pattern and not pattern.fullmatch(value):
        return f"Member must satisfy regular expression pattern: {pattern.pattern}"
    return ""


@cache
def _compiled(pattern: str) -> re.Pattern[str] | None:
    r"""None where it is none, or has what Python's regular expressions have not, such as \p{L}."""
    try:
        return re.compile(pattern, re.DOTALL) if pattern else None
    except re.error:
        return None
