"""The Lambda actions on functions, checked and refused as Lambda checks and refuses."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any

from moto.awslambda import models
from moto.awslambda.exceptions import (
    FunctionAlreadyExists,
    InvalidParameterValueException,
    InvalidRoleFormat,
    PreconditionFailedException,
    UnknownFunctionException,
)
from moto.ec2.models import ec2_backends
from moto.iam.models import iam_backends

from rds_sandbox import pages, patches
from rds_sandbox.ec2 import network_interfaces
from rds_sandbox.errors import NotInSandbox
from rds_sandbox.lambdas import validation
from rds_sandbox.lambdas.fleets import fleets
from rds_sandbox.lambdas.functions import SandboxFunction
from rds_sandbox.patches import MOTO, Request, action, backend_of, replaces

CONFLICT = "ResourceConflictException"
LIMITS = validation.LIMITS
NOT_NOW = "The operation cannot be performed at this time."


@backend_of(models.lambda_backends)
class SandboxLambdaBackend(models.LambdaBackend):
    """Lambda whose functions are run."""

    def reset(self) -> None:
        """/moto-api/reset: no process is left."""
        fleets().end_all()
        super().reset()


def _take_parts_of_arns(name: str) -> None:
    """Where moto takes a function's name: 123456789012:function:name means the same (Lambda API Reference, FunctionName)."""
    find = getattr(models.LambdaStorage, name)

    @replaces(models.LambdaStorage, name)
    def found(storage: Any, called: str, *qualifier: str | None) -> Any:
        return find(storage, called.partition(":function:")[2] or called, *qualifier)


for each in ("get_function_by_name_with_qualifier", "get_function_by_name_forbid_qualifier"):
    _take_parts_of_arns(each)


@action("lambda", "CreateFunction")
def create(request: Request) -> dict[str, Any]:
    """Checked before anything is made."""
    spec, backend = request.parameters, request.backend
    try:
        backend.get_function(spec["FunctionName"].rpartition(":")[2])
    except UnknownFunctionException:
        pass
    else:
        raise FunctionAlreadyExists(spec["FunctionName"].rpartition(":")[2])
    validation.check_create(spec)
    _check_vpc(backend, spec)
    _check_role(backend, spec["Role"], spec.get("VpcConfig"))
    function = backend.create_function(spec)
    function.interfaces()
    configuration: dict[str, Any] = function.get_configuration(on_create=True)
    return configuration


@action("lambda", "UpdateFunctionConfiguration")
def update_configuration(request: Request) -> dict[str, Any]:
    """What is not given stays as it is."""
    given, backend = request.parameters, request.backend
    function = _modifiable(request)
    validation.check_configuration(given)
    _check_vpc(backend, given)
    if {"Role", "VpcConfig"} & given.keys():
        _check_role(backend, given.get("Role", function.role), given.get("VpcConfig", function.vpc_config))
    function.update_configuration(given)
    _settle(backend, function)
    return function.get_configuration()


@action("lambda", "UpdateFunctionCode")
def update_code(request: Request) -> dict[str, Any]:
    """A dry run checks the package and keeps nothing."""
    given, backend = request.parameters, request.backend
    function = _modifiable(request)
    if given.get("DryRun"):
        function.check_code(given)
        return function.get_configuration()
    function.update_function_code(given)
    function.architectures = given.get("Architectures") or function.architectures
    _settle(backend, function)
    return _published(backend, function).get_configuration() if given.get("Publish") else function.get_configuration()


@action("lambda", "PublishVersion")
def publish(request: Request) -> dict[str, Any]:
    """A new version is a state of its own."""
    given, backend = request.parameters, request.backend
    function = backend.get_function(given["FunctionName"])
    return _published(backend, function, given.get("Description", "")).get_configuration()


def _published(backend: Any, latest: SandboxFunction, description: str = "") -> SandboxFunction:
    published: SandboxFunction = backend.publish_version(latest.function_name, description)
    if published.revision_id == latest.revision_id:
        published.touch()
    return published


@action("lambda", "ListFunctions")
def list_functions(request: Request) -> dict[str, Any]:
    """Page by page; the unpublished version of each, or all versions."""
    if request.parameters.get("MasterRegion"):
        raise NotInSandbox("Lambda@Edge is not in the sandbox")
    found = request.backend.list_functions(request.parameters.get("FunctionVersion"))
    return _paged("Functions", [each.get_configuration() for each in found], request)


@action("lambda", "ListVersionsByFunction")
def list_versions(request: Request) -> dict[str, Any]:
    """Page by page, the unpublished one first."""
    name = request.backend.get_function(request.parameters["FunctionName"]).function_name
    found = request.backend.list_versions_by_function(name)
    return _paged("Versions", [each.get_configuration() for each in found], request)


@action("lambda", "ListAliases")
def list_aliases(request: Request) -> dict[str, Any]:
    """Page by page; all, or those of a version."""
    asked = request.parameters
    name = request.backend.get_function(asked["FunctionName"]).function_name
    found = [each.to_json() for each in request.backend.list_aliases(name)]
    rows = [each for each in found if asked.get("FunctionVersion") in (None, each["FunctionVersion"])]
    return _paged("Aliases", rows, request, LIMITS["aliases_page"])


def _paged(key: str, rows: list[Any], request: Request, most: int = LIMITS["page"]) -> dict[str, Any]:
    """The page that MaxItems and Marker ask for."""
    asked = request.parameters
    marker = asked.get("Marker") or "0"
    if not marker.isdecimal():
        raise InvalidParameterValueException("The Marker is invalid: pass the NextMarker of the answer before.")
    page, rest = pages.cut(rows, marker, min(asked.get("MaxItems", most), most))
    return {key: page, "NextMarker": rest}


@action("lambda", "DeleteFunction")
def delete(request: Request) -> object:
    """Its processes end, and its network interfaces go some time later."""
    name, qualifier, backend = request.parameters["FunctionName"], request.parameters.get("Qualifier"), request.backend
    doomed = [backend.get_function(name, qualifier)]
    if not qualifier:
        doomed += backend.list_versions_by_function(doomed[0].function_name)
    backend.delete_function(name, qualifier)
    for function in doomed:
        fleets().retire(function.revision_id)
    _remove_interfaces_later(backend)
    return {}


@action("lambda", "AddPermission")
def add_permission(request: Request) -> object:
    """A statement id is used once, and the principal is a service, an account, a role or a user, or everybody."""
    given = request.parameters
    function = request.backend.get_function(given["FunctionName"], given.get("Qualifier"))
    validation.check_permission(given)
    _check_revision(given, function)
    if any(each["Sid"] == given["StatementId"] for each in function.policy.statements):
        advice = "Please provide a new statement id, or remove the existing statement."
        raise validation.refusal(409, CONFLICT, f"The statement id ({given['StatementId']}) provided already exists. {advice}")
    return MOTO


def check_active(function: SandboxFunction) -> None:
    """Refuse what needs a function that is no longer being created."""
    if function.pending:
        raise validation.refusal(409, CONFLICT, f"{NOT_NOW} The function is currently in the following state: Pending")


def _modifiable(request: Request) -> SandboxFunction:
    function: SandboxFunction = request.backend.get_function(request.parameters["FunctionName"])
    check_active(function)
    if function.updating:
        raise validation.refusal(409, CONFLICT, f"{NOT_NOW} An update is in progress for resource: {function.function_arn}")
    _check_revision(request.parameters, function)
    return function


def _check_revision(given: Mapping[str, Any], function: SandboxFunction) -> None:
    if given.get("RevisionId") not in (None, function.revision_id):
        message = "The RevisionId provided does not match the latest RevisionId for the Lambda function or alias."
        raise PreconditionFailedException(f"{message} Call the GetFunction or the GetAlias API to retrieve it.")


def _settle(backend: Any, function: SandboxFunction) -> None:
    """After a change: processes of the state before end, interfaces follow the configuration."""
    fleets().retire(function.revision_id)
    function.touch()
    function.updated_at = time.monotonic()
    function.interfaces()
    _remove_interfaces_later(backend)


def _check_role(backend: Any, arn: str, vpc_config: Mapping[str, Any] | None) -> None:
    if not re.fullmatch(InvalidRoleFormat.pattern, arn):
        raise InvalidRoleFormat(arn)
    if arn.split(":")[4] != backend.account_id:
        raise validation.refusal(403, "AccessDeniedException", "Cross-account pass role is not allowed.")
    in_vpc = bool(network_interfaces.places(vpc_config))
    validation.check_role(iam_backends[backend.account_id][backend.partition], arn, in_vpc=in_vpc)


def _check_vpc(backend: Any, spec: Mapping[str, Any]) -> None:
    validation.check_vpc(_ec2(backend), spec.get("VpcConfig") or {})


def _ec2(backend: Any) -> Any:
    return ec2_backends[backend.account_id][backend.region_name]


def _remove_interfaces_later(backend: Any) -> None:
    loop = patches.host.loop
    loop.call_soon_threadsafe(loop.call_later, network_interfaces.REMOVAL_SECONDS, _remove_interfaces, backend)


def _remove_interfaces(backend: Any) -> None:
    wanted = {place for each in backend.list_functions("ALL") for place in network_interfaces.places(each.vpc_config)}
    network_interfaces.remove_unused(_ec2(backend), wanted)
