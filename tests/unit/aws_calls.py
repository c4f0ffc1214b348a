"""Finds the AWS operations, parameters and error codes in source text, and holds them against botocore's models.

What it reads, in functions, and so how the package has to be written:

- `client(target, "rds").describe_db_instances(Name=…)`, also with the client in a variable of the function;
- `.get_paginator("operation").paginate(Name=…)`, `.get_waiter("name")`, `client.exceptions.SomeFault`;
- `Call("rds", "operation", {…})`, also with the parameters in a variable of the function;
- `aws.find(target, "rds", "operation", "Code", Name=…)` and `aws.pages(target, "rds", "operation", Name=…)`;
- error codes compared with `error_code(…)`, and constants of a module called …CODE, …CODES or as in OTHER_CODES.

Values that are not literals are unknown to it: the tests of plans validate those.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import botocore.session
from botocore import xform_name
from botocore.model import OperationModel, ServiceModel, Shape
from botocore.validate import ParamValidator

OTHER_CODES = ("DENIED", "UNKNOWN_CALLER")
UNKNOWN = object()
NOT_OPERATIONS = {"exceptions", "meta", "close", "can_paginate", "get_paginator", "get_waiter"}
# The error codes that botocore does not model. Sources: each service's API reference, "Common Errors"; "Error
# codes for the Amazon EC2 API"; botocore's credential handling for the spellings of expired tokens.
COMMON = {
    "AccessDenied",
    "AccessDeniedException",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidClientTokenId",
    "InvalidParameterCombination",
    "InvalidParameterValue",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "OptInRequired",
    "RequestExpired",
    "SignatureDoesNotMatch",
    "Throttling",
    "ThrottlingException",
    "InvalidAccessKeyId",
    "InvalidSignatureException",
    "UnrecognizedClientException",
}
EC2 = {
    "AuthFailure",
    "DependencyViolation",
    "InvalidGroup.Duplicate",
    "InvalidGroup.NotFound",
    "InvalidPermission.Duplicate",
    "InvalidSecurityGroupRuleId.NotFound",
    "InvalidVpcEndpoint.NotFound",
    "InvalidVpcEndpointId.NotFound",
    "RequestLimitExceeded",
    "RulesPerSecurityGroupLimitExceeded",
    "UnauthorizedOperation",
}


@dataclass(frozen=True)
class Use:
    """One use of an AWS operation in the source.

    Attributes:
        line: where.
        service: boto3's name of it; empty where the source does not say it literally.
        name: of the method, waiter or exception; empty likewise.
        kind: "operation", "paginator", "waiter" or "exception".
        parameters: the literal ones, with UNKNOWN for values that are none.
    """

    line: int
    service: str
    name: str
    kind: str = "operation"
    parameters: Mapping[str, Any] = field(default_factory=dict, compare=False)


@functools.cache
def service_model(service: str) -> ServiceModel:
    """The service's model in botocore."""
    return botocore.session.get_session().get_service_model(service)


@functools.cache
def operations(service: str) -> dict[str, OperationModel]:
    """The service's operations by the names of boto3's methods."""
    model = service_model(service)
    return {xform_name(name): model.operation_model(name) for name in model.operation_names}


@functools.cache
def error_codes(service: str) -> frozenset[str]:
    """The error codes that the service's operations are modelled to answer."""
    shapes = service_model(service).error_shapes
    return frozenset(shape.metadata.get("error", {}).get("code", shape.name) for shape in shapes)


def invalid(service: str, operation: str, parameters: Mapping[str, Any]) -> str:
    """What botocore finds wrong with these parameters; empty where nothing is."""
    report = ParamValidator().validate(dict(parameters), operations(service)[operation].input_shape)
    return str(report.generate_report())


def uses(source: str) -> list[Use]:
    """The uses of AWS operations in a module."""
    tree = ast.parse(source)
    scopes = [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    found = [use for scope in scopes for use in _Scope(scope).uses()]
    return sorted(set(found), key=lambda use: (use.line, use.name))


class _Scope:
    """A function: what its local names stand for, and the uses in it."""

    def __init__(self, node: ast.AST) -> None:
        self.node = node
        self.names: dict[str, ast.expr] = dict(self._assignments())

    def _assignments(self) -> Iterator[tuple[str, ast.expr]]:
        for node in ast.walk(self.node):
            if isinstance(node, ast.Assign):
                yield from _bound(node.targets[0], node.value)
            elif isinstance(node, ast.AnnAssign) and node.value is not None:
                yield from _bound(node.target, node.value)

    def resolve(self, node: ast.expr) -> ast.expr:
        """The expression that a local name was bound to, else the node itself."""
        return self.names.get(node.id, node) if isinstance(node, ast.Name) else node

    def uses(self) -> Iterator[Use]:
        for node in ast.walk(self.node):
            if isinstance(node, ast.Call):
                yield from self._planned(node)
                yield from self._read(node)
                yield from self._made(node)
            elif isinstance(node, ast.Attribute):
                yield from self._exception(node)

    def _planned(self, node: ast.Call) -> Iterator[Use]:
        """Call("service", "operation", {…})."""
        if _called(node) == "Call":
            given = [self.resolve(argument) for argument in node.args]
            given += [self.resolve(word.value) for word in node.keywords if word.arg == "parameters"]
            service, name, values = [*map(_literal, given), None, None, None][:3]
            parameters = values if isinstance(values, dict) else {}
            yield Use(node.lineno, _text(service), _text(name), "operation", parameters)

    def _read(self, node: ast.Call) -> Iterator[Use]:
        """aws.find and aws.pages."""
        if _reads(node):
            service, name = (_text(_literal(self.resolve(argument))) for argument in node.args[1:3])
            parameters = {word.arg: _literal(self.resolve(word.value)) for word in node.keywords if word.arg}
            kind = "paginator" if _called(node) == "pages" else "operation"
            yield Use(node.lineno, service, name, kind, parameters)

    def _made(self, node: ast.Call) -> Iterator[Use]:
        """Methods of a client, and of its paginators and waiters."""
        if not isinstance(node.func, ast.Attribute):
            return
        method, owner = node.func.attr, self.resolve(node.func.value)
        parameters = {word.arg: _literal(self.resolve(word.value)) for word in node.keywords if word.arg}
        service = self._service(owner)
        if service is not None and method not in NOT_OPERATIONS:
            yield Use(node.lineno, service, method, "operation", parameters)
        if service is not None and method == "get_waiter":
            yield Use(node.lineno, service, _text(_literal(node.args[0])), "waiter")
        if method == "paginate" and isinstance(owner, ast.Call) and _called(owner) == "get_paginator":
            assert isinstance(owner.func, ast.Attribute)
            service = self._service(self.resolve(owner.func.value)) or ""
            yield Use(node.lineno, service, _text(_literal(owner.args[0])), "paginator", parameters)

    def _exception(self, node: ast.Attribute) -> Iterator[Use]:
        """client.exceptions.SomeFault."""
        value = node.value
        if isinstance(value, ast.Attribute) and value.attr == "exceptions":
            service = self._service(self.resolve(value.value))
            if service is not None:
                yield Use(node.lineno, service, node.attr, "exception")

    @staticmethod
    def _service(node: ast.expr) -> str | None:
        """The service if the expression is client(target, "service"); None for anything else."""
        if isinstance(node, ast.Call) and _called(node) == "client" and len(node.args) == 2:
            return _text(_literal(node.args[1]))
        return None


def _bound(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for name, part in zip(target.elts, value.elts, strict=False):
            yield from _bound(name, part)


def _called(node: ast.Call) -> str:
    """The last part of the name of what is called."""
    function = node.func
    return function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")


def _reads(node: ast.Call) -> bool:
    """Whether it is a call of aws.find or aws.pages."""
    return ast.unparse(node.func) in ("aws.find", "aws.pages")


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _literal(node: ast.expr) -> Any:
    """The value of a literal, with UNKNOWN for the parts that are none."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        return {key.value: _literal(value) for key, value in pairs if isinstance(key, ast.Constant)}
    if isinstance(node, (ast.List, ast.Tuple)):
        return [_literal(element) for element in node.elts]
    if isinstance(node, (ast.ListComp, ast.GeneratorExp)):
        return [_literal(node.elt)]
    return UNKNOWN


def complaints(use: Use) -> Iterator[str]:
    """What botocore's models do not know about a use."""
    if not use.service or not use.name:
        yield f"line {use.line}: service and operation must be literals"
        return
    known = operations(use.service)
    if use.kind == "waiter":
        waiters = botocore.session.get_session().get_waiter_model(use.service).waiter_names
        if use.name not in {xform_name(name) for name in waiters}:
            yield f"line {use.line}: {use.service} has no waiter {use.name}"
    elif use.kind == "exception":
        if use.name not in {shape.name for shape in service_model(use.service).error_shapes}:
            yield f"line {use.line}: {use.service} has no exception {use.name}"
    elif use.name not in known:
        yield f"line {use.line}: {use.service} has no operation {use.name}"
    else:
        pages = {"PaginationConfig"} if use.kind == "paginator" else set()
        parameters = {name: value for name, value in use.parameters.items() if name not in pages}
        yield from _mismatches(f"line {use.line}: {use.name}", parameters, known[use.name].input_shape)


def _mismatches(where: str, value: Any, shape: Shape | None) -> Iterator[str]:
    """Members that a structure does not have, and constants that an enumeration does not have."""
    if isinstance(value, dict) and shape is not None and shape.type_name == "structure":
        for name, part in value.items():
            if name not in shape.members:
                yield f"{where} has no {name}"
            else:
                yield from _mismatches(f"{where}.{name}", part, shape.members[name])
    elif isinstance(value, list) and shape is not None and shape.type_name == "list":
        for part in value:
            yield from _mismatches(where, part, shape.member)
    elif isinstance(value, str) and value not in (allowed := getattr(shape, "enum", None) or [value]):
        yield f"{where} is none of {', '.join(allowed)}: {value}"
    elif isinstance(value, dict) and shape is None:
        yield f"{where} takes no parameters"


def matched_codes(source: str) -> set[str]:
    """The error codes that a module matches."""
    tree = ast.parse(source)
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _reads(node):
            found |= {text for argument in node.args[3:] for text in _strings(argument)}
        elif isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            if any(isinstance(side, ast.Call) and _called(side) == "error_code" for side in sides):
                found |= {text for side in sides for text in _strings(side) if not isinstance(side, ast.Call)}
        elif isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            name = getattr(target, "id", "")
            if name.endswith(("CODE", "CODES")) or name in OTHER_CODES:
                found |= set(_strings(node.value))
    return found


def _strings(node: ast.expr) -> Iterator[str]:
    """The strings of a literal: of a dictionary, those of its keys."""
    value = node
    if isinstance(node, ast.Call) and node.args:  # frozenset({…})
        value = node.args[0]
    parts = value.keys if isinstance(value, ast.Dict) else getattr(value, "elts", [value])
    yield from (part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str))


def unknown_codes(codes: set[str], services: set[str]) -> set[str]:
    """Those error codes that none of the services can answer."""
    return codes - COMMON - EC2 - {code for service in services for code in error_codes(service)}
