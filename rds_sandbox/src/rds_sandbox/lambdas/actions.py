"""The Lambda actions on functions, checked and refused as Lambda checks and refuses."""

import re
import time
from collections.abc import Mapping
from typing import Any

from moto.awslambda.exceptions import FunctionAlreadyExists, InvalidRoleFormat, UnknownEventConfig
from moto.ec2.models import ec2_backends
from moto.iam.models import iam_backends

from rds_sandbox import patches
from rds_sandbox.ec2 import network_interfaces
from rds_sandbox.lambdas import names, validation, versions
from rds_sandbox.lambdas.backend import check_tags
from rds_sandbox.lambdas.fleets import fleets
from rds_sandbox.lambdas.functions import SandboxFunction
from rds_sandbox.lambdas.names import LATEST
from rds_sandbox.patches import Request, action


@action("lambda", "CreateFunction")
def create(request: Request) -> dict[str, Any]:
    """Checked before anything is made."""
    backend, spec = request.backend, dict(request.parameters)
    spec["FunctionName"], _ = names.read(backend, spec["FunctionName"])
    if backend.latest(spec["FunctionName"]):
        raise FunctionAlreadyExists(spec["FunctionName"])
    validation.check_create(spec)
    check_tags(spec.get("Tags") or {})
    _check_vpc(backend, spec)
    _check_role(backend, spec["Role"], spec.get("VpcConfig"))
    function: SandboxFunction = backend.create_function({**spec, "Publish": False})
    function.interfaces()
    configuration = function.get_configuration()
    return {**configuration, "Version": versions.publish(backend, function).version} if spec.get("Publish") else configuration


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
    if not given.get("Publish"):
        return function.get_configuration()
    published = versions.publish(backend, function)
    published.created_at = function.updated_at  # it is pending while the update is under way
    return published.get_configuration()


@action("lambda", "GetFunction")
def get(request: Request) -> dict[str, Any]:
    """A reservation of no concurrency at all is one."""
    function = called(request)
    reserved = function.reserved_concurrency
    shown = {} if reserved is None else {"Concurrency": {"ReservedConcurrentExecutions": reserved}}
    return {**function.get_code(), **shown}


@action("lambda", "GetFunctionConfiguration")
def get_configuration(request: Request) -> dict[str, Any]:
    """Of a version, under the ARN by which it is called."""
    return called(request).get_configuration()


@action("lambda", "GetFunctionCodeSigningConfig")
def get_code_signing_config(request: Request) -> dict[str, str]:
    """There is none in the sandbox."""
    return {"FunctionName": called(request).function_name}


@action("lambda", "GetFunctionEventInvokeConfig")
def get_event_invoke_config(request: Request) -> object:
    """There is none, whatever is called, the function or not."""
    name, qualifier = names.read(request.backend, request.parameters["FunctionName"], request.parameters.get("Qualifier"))
    raise UnknownEventConfig(names.arn(request.backend, name, qualifier or LATEST))


def called(request: Request) -> SandboxFunction:
    """What FunctionName and Qualifier of a request call."""
    function: SandboxFunction = request.backend.get_function(
        request.parameters["FunctionName"], request.parameters.get("Qualifier")
    )
    return function


@action("lambda", "DeleteFunction")
def delete(request: Request) -> tuple[int, dict[str, str], str]:
    """Its processes end, and its network interfaces go some time later; a version that is not there is no error."""
    backend = request.backend
    name, qualifier = names.read(backend, request.parameters["FunctionName"], request.parameters.get("Qualifier"))
    if qualifier:
        versions.check_deletion(backend, name, qualifier)
    versions.delete(backend, backend.get_function(name), qualifier)
    _remove_interfaces_later(backend)
    return 204, {}, ""


def _modifiable(request: Request) -> SandboxFunction:
    function: SandboxFunction = request.backend.unqualified(request.parameters["FunctionName"])
    versions.check_modifiable(function, request.parameters.get("RevisionId"))
    return function


def _settle(backend: Any, function: SandboxFunction) -> None:
    """After a change: processes of the state before end, interfaces follow the configuration."""
    fleets().retire(function.state_id)
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
