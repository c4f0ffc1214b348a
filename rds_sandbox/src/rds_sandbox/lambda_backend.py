"""Lambda whose functions are run: moto's backend, checked and refused as Lambda checks and refuses."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, cast

from moto.awslambda import models
from moto.awslambda.exceptions import (
    CrossAccountNotAllowed,
    InvalidRoleFormat,
    LambdaClientError,
    PreconditionFailedException,
)
from moto.ec2.models import ec2_backends
from moto.iam.models import iam_backends

from rds_sandbox import function_requests, function_validation, network_interfaces
from rds_sandbox.execution_environments import ExecutionEnvironments, Invocation, Throttled
from rds_sandbox.functions import SandboxFunction, deployment
from rds_sandbox.machine import Host


class ResourceConflict(LambdaClientError):
    """The function is not in a state for this; or the statement is there already."""

    code = 409

    def __init__(self, message: str) -> None:
        """What stands in the way."""
        super().__init__("ResourceConflictException", message)


class TooManyRequests(LambdaClientError):
    """The function's reserved concurrency is used up."""

    code = 429

    def __init__(self) -> None:
        """In Lambda's words."""
        super().__init__("TooManyRequestsException", "Rate Exceeded.")


class SandboxLambdaBackend(models.LambdaBackend):
    """Lambda whose functions are run, in the VPC where they ask for one."""

    __module__ = models.LambdaBackend.__module__  # moto finds the URLs of the service by it
    host: ClassVar[Host]
    url: ClassVar[str]
    environments: ClassVar[ExecutionEnvironments]

    def create_function(self, spec: dict[str, Any]) -> models.LambdaFunction:
        """CreateFunction, checked before anything is made."""
        function_validation.check_create(spec)
        self._check_vpc(spec)
        self._check_role(spec["Role"], spec.get("VpcConfig"))
        function = super().create_function(spec)
        latest = self.function(function.function_name)
        latest.interfaces = self._interfaces(latest)
        return function

    def update_function_configuration(self, function_name: str, qualifier: str, body: dict[str, Any]) -> dict[str, Any]:
        """UpdateFunctionConfiguration; what is not given stays as it is."""
        function = self._modifiable(function_name, body)
        function_validation.check_configuration(body)
        self._check_vpc(body)
        if {"Role", "VpcConfig"} & body.keys():
            self._check_role(body.get("Role", function.role), body.get("VpcConfig", function.vpc_config))
        function.update_configuration(body)
        self._settle(function)
        return function.get_configuration()

    def update_function_code(self, function_name: str, qualifier: str, body: dict[str, Any]) -> dict[str, Any]:
        """UpdateFunctionCode; a dry run checks the package and keeps nothing."""
        function = self._modifiable(function_name, body)
        if body.get("DryRun"):
            function.check_code(body)
            return function.get_configuration()
        function.update_function_code(body)
        function.architectures = body.get("Architectures") or function.architectures
        self._settle(function)
        published = self.publish_version(function_name) if body.get("Publish") else None
        return (published or function).get_configuration()

    def publish_version(self, function_name: str, description: str = "") -> models.LambdaFunction | None:
        """PublishVersion; a new version is a state of its own."""
        latest = self.function(function_name)
        published = super().publish_version(function_name, description)
        if isinstance(published, SandboxFunction) and published.revision_id == latest.revision_id:
            published.touch()
        return published

    def delete_function(self, function_name: str, qualifier: str | None = None) -> None:
        """DeleteFunction: its processes end, and its network interfaces go some time later."""
        doomed = [self.function(function_name, qualifier)]
        if not qualifier:
            doomed += cast(Iterable[SandboxFunction], self.list_versions_by_function(doomed[0].function_name))
        super().delete_function(function_name, qualifier)
        for function in doomed:
            self.environments.retire(function.revision_id)
        self._remove_interfaces_later()

    def add_permission(self, function_name: str, qualifier: str, raw: str) -> dict[str, Any]:
        """AddPermission; a statement id is used once."""
        statement_id = json.loads(raw).get("StatementId")
        if any(each["Sid"] == statement_id for each in self.function(function_name, qualifier).policy.statements):
            advice = "Please provide a new statement id, or remove the existing statement."
            raise ResourceConflict(f"The statement id ({statement_id}) provided already exists. {advice}")
        return super().add_permission(function_name, qualifier, raw)

    def run(self, function_name: str, qualifier: str | None, event: str, request_id: str) -> tuple[str, Invocation]:
        """Invoke a function; its version, and what came of it.

        Raises:
            ResourceConflict: it is still being created.
            TooManyRequests: its reserved concurrency is used up.
        """
        function = self.function(function_name, qualifier)
        if function.pending:
            state = "The function is currently in the following state: Pending"
            raise ResourceConflict(f"The operation cannot be performed at this time. {state}")
        try:
            invocation = self.environments.invoke(deployment(function, self.url), event, request_id)
        except Throttled as error:
            raise TooManyRequests from error
        return str(function.version), invocation

    def function(self, name: str, qualifier: str | None = None) -> SandboxFunction:
        """The function by name or ARN.

        Raises:
            UnknownFunctionException: there is none.
        """
        return cast(SandboxFunction, self.get_function(name, qualifier))

    def reset(self) -> None:
        """/moto-api/reset: no process is left."""
        self.environments.end_all()
        super().reset()

    def _modifiable(self, name: str, body: Mapping[str, Any]) -> SandboxFunction:
        function = self.function(name)
        if function.pending:
            state = "The function is currently in the following state: Pending"
            raise ResourceConflict(f"The operation cannot be performed at this time. {state}")
        if function.updating:
            update = f"An update is in progress for resource: {function.function_arn}"
            raise ResourceConflict(f"The operation cannot be performed at this time. {update}")
        if body.get("RevisionId") not in (None, function.revision_id):
            message = "The RevisionId provided does not match the latest RevisionId for the Lambda function or alias."
            raise PreconditionFailedException(f"{message} Call the GetFunction or the GetAlias API to retrieve it.")
        return function

    def _settle(self, function: SandboxFunction) -> None:
        """After a change: processes of the state before end, interfaces follow the configuration."""
        self.environments.retire(function.revision_id)
        function.touch()
        function.updated_at = time.monotonic()
        function.interfaces = self._interfaces(function)
        self._remove_interfaces_later()

    def _check_role(self, arn: str, vpc_config: Mapping[str, Any] | None) -> None:
        if not re.fullmatch(InvalidRoleFormat.pattern, arn):
            raise InvalidRoleFormat(arn)
        if arn.split(":")[4] != self.account_id:
            raise CrossAccountNotAllowed
        in_vpc = bool(network_interfaces.places(vpc_config))
        function_validation.check_role(iam_backends[self.account_id][self.partition], arn, in_vpc=in_vpc)

    def _check_vpc(self, spec: Mapping[str, Any]) -> None:
        function_validation.check_vpc(ec2_backends[self.account_id][self.region_name], spec.get("VpcConfig") or {})

    def _interfaces(self, function: SandboxFunction) -> tuple[str, ...]:
        ec2 = ec2_backends[self.account_id][self.region_name]
        return network_interfaces.provide(ec2, network_interfaces.places(function.vpc_config), function.function_name)

    def _remove_interfaces_later(self) -> None:
        loop = self.host.loop
        loop.call_soon_threadsafe(loop.call_later, network_interfaces.REMOVAL_SECONDS, self._remove_interfaces)

    def _remove_interfaces(self) -> None:
        functions = cast(Iterable[SandboxFunction], self.list_functions("ALL"))
        wanted = {place for function in functions for place in network_interfaces.places(function.vpc_config)}
        network_interfaces.remove_unused(ec2_backends[self.account_id][self.region_name], wanted)


def install(host: Host, url: str) -> None:
    """Put it all in place of moto's, before anybody made a function."""
    SandboxLambdaBackend.host, SandboxLambdaBackend.url = host, url
    SandboxLambdaBackend.environments = ExecutionEnvironments(host)
    models.LambdaFunction = SandboxFunction  # type: ignore[misc]
    models.lambda_backends.backend = SandboxLambdaBackend
    models.lambda_backends.clear()  # another service may have asked for a function that nobody had made
    function_requests.install()
