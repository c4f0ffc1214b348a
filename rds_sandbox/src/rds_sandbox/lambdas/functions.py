"""A Lambda function: moto's, with states and revisions, and what is needed to run it."""

from __future__ import annotations

import base64
import copy
import hashlib
import os
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from moto.awslambda import models
from moto.awslambda.exceptions import InvalidParameterValueException
from moto.ec2.models import ec2_backends
from moto.s3.exceptions import MissingBucket, MissingKey
from moto.s3.models import s3_backends
from moto.sts.models import sts_backends

from rds_sandbox import patches
from rds_sandbox.ec2 import network_interfaces, vpc_endpoints
from rds_sandbox.lambdas import validation
from rds_sandbox.tables import limits

if TYPE_CHECKING:
    from rds_sandbox.lambdas.aliases import Alias
    from rds_sandbox.lambdas.permissions import Policy

SETTLE_SECONDS = 0.5  # Pending, and InProgress: seconds on AWS, up to a minute in a VPC
CREATING = "The function is being created.", "Creating"  # the reason of both, and its code
STATES = ("State", "StateReason", "StateReasonCode", "LastUpdateStatus", "LastUpdateStatusReason", "LastUpdateStatusReasonCode")
# ListFunctions and ListVersionsByFunction leave the states out (API Reference), and, as AWS answers, the runtime's version.
UNLISTED = (*STATES, "RuntimeVersionConfig")


@dataclass
class Common:
    """What the versions of a function have in common.

    Attributes:
        aliases: by name.
        policies: by the version or alias that each is of; None for that of the function itself.
        reserved: the concurrency that is reserved; None where none is.
        running: how many invocations are under way.
        published: the number of the version that was published last; no number is used twice.
    """

    aliases: dict[str, Alias] = field(default_factory=dict)
    policies: dict[str | None, Policy] = field(default_factory=dict)
    reserved: int | None = None
    running: int = 0
    published: int = 0


@patches.replaces(models, "LambdaFunction")
class SandboxFunction(models.LambdaFunction):
    """A function with states and revisions; what moto leaves out of its configuration is filled in."""

    def __init__(self, account_id: str, spec: dict[str, Any], region: str, version: str | int = 1) -> None:
        """Pending for a while; its package is checked before anything else is made."""
        self.logging_config = spec.get("LoggingConfig") or {}
        self.common = Common()
        self.published_from = ""
        super().__init__(account_id, spec, region, version)
        self._shows_variables = "Environment" in spec
        self.created_at = time.monotonic()
        self.updated_at = 0.0
        self.touch()

    def __deepcopy__(self, _: Any) -> SandboxFunction:
        """Moto copies functions in depth, and with them its whole backend of CloudWatch Logs."""
        return copy.copy(self)

    def touch(self) -> None:
        """Another state of it, which has processes of its own: a new revision, modified now."""
        self.state_id = str(uuid.uuid4())
        self.revise()
        self.last_modified = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")

    def revise(self) -> None:
        """A new revision."""
        self._revision = uuid.uuid4()

    @property
    def revision_id(self) -> str:
        """Of this state; another one once it has settled (Developer Guide, "Lambda function states")."""
        return str(self._revision if self.pending or self.updating else uuid.uuid5(self._revision, "settled"))

    def called(self, arn: str) -> SandboxFunction:
        """The same, under the ARN of a version or an alias."""
        function = copy.copy(self)
        function.function_arn = arn
        return function

    @property
    def reserved_concurrency(self) -> int | None:
        """The same for all versions."""
        return self.common.reserved

    @reserved_concurrency.setter
    def reserved_concurrency(self, value: int | None) -> None:
        self.common.reserved = value

    @property
    def pending(self) -> bool:
        """Whether it is still being created."""
        return time.monotonic() - self.created_at < SETTLE_SECONDS

    @property
    def updating(self) -> bool:
        """Whether an update is under way."""
        return time.monotonic() - self.updated_at < SETTLE_SECONDS

    @property
    def ec2(self) -> Any:
        """The EC2 of its region."""
        return ec2_backends[self.account_id][self.region]

    @property
    def vpc_config(self) -> dict[str, Any] | None:
        """The one given, and the id of its VPC; what was emptied stays there, empty."""
        given: dict[str, Any] | None = self._vpc_config
        if given is None:
            return None
        if not given.get("SubnetIds"):
            return {"SubnetIds": [], "SecurityGroupIds": [], "VpcId": "", "Ipv6AllowedForDualStack": False}
        vpc_id = self.ec2.get_subnet(given["SubnetIds"][0]).vpc_id
        return {"Ipv6AllowedForDualStack": False, **given, "VpcId": vpc_id}

    def interfaces(self) -> tuple[str, ...]:
        """The ids of the network interfaces that it connects from, made where they are not there; none outside a VPC."""
        return network_interfaces.provide(self.ec2, network_interfaces.places(self.vpc_config), self.function_name)

    @property
    def log_group(self) -> str:
        """The name of its log group."""
        return str(self.logging_config.get("LogGroup") or self.logs_group_name)

    def get_configuration(self, on_create: bool = False) -> dict[str, Any]:
        """FunctionConfiguration; before it is active nothing is said of an update."""
        configuration = {key: value for key, value in super().get_configuration(on_create).items() if value not in (None, [])}
        if self._shows_variables:
            configuration["Environment"] = {"Variables": self.environment_vars}
        configuration |= {
            "RevisionId": self.revision_id,
            "RuntimeVersionConfig": {"RuntimeVersionArn": f"arn:aws:lambda:{self.region}::runtime:{_digest(str(self.run_time))}"},
            "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
            "LoggingConfig": {"LogFormat": "Text", "LogGroup": self.log_group},
        }
        return {key: value for key, value in configuration.items() if key not in STATES} | self._states()

    def _states(self) -> dict[str, str]:
        if self.pending:
            return dict(zip(STATES[:3], ("Pending", *CREATING), strict=True))
        if self.updating:
            return {"State": "Active", **dict(zip(STATES[3:], ("InProgress", *CREATING), strict=True))}
        return {"State": "Active", "LastUpdateStatus": "Successful"}

    def listed(self) -> dict[str, Any]:
        """FunctionConfiguration as lists have it."""
        return {key: value for key, value in self.get_configuration().items() if key not in UNLISTED}

    def _set_function_code(self, updated_spec: dict[str, Any]) -> None:
        """Take a package over, once it is found to be one."""
        package = self.check_code(updated_spec)
        digest = hashlib.sha256(package)
        self.code_bytes, self.code_size, self.code_digest = package, len(package), digest.hexdigest()
        self.code_sha_256 = base64.b64encode(digest.digest()).decode()
        self.code["S3Key"] = f"{self.function_name}-{uuid.uuid4()}"

    def check_code(self, spec: Mapping[str, Any]) -> bytes:
        """The package, which is there and can be run."""
        package = self._package(spec)
        validation.check_package(package)
        return package

    def _package(self, spec: Mapping[str, Any]) -> bytes:
        if spec.get("ZipFile"):
            return validation.uploaded(spec["ZipFile"], "CreateFunction" if spec is self.code else "UpdateFunctionCode")
        if not (spec.get("S3Bucket") and spec.get("S3Key")):
            raise InvalidParameterValueException("Please provide a source for function code.")
        s3, version = s3_backends[self.account_id][self.partition], spec.get("S3ObjectVersion")
        code, what = ("NoSuchVersion", "version") if version else ("NoSuchKey", "key")
        problem = f"{code}. S3 Error Message: The specified {what} does not exist."
        try:
            key = s3.get_object(spec["S3Bucket"], spec["S3Key"], version_id=version)
        except MissingBucket:
            problem, key = "NoSuchBucket. S3 Error Message: The specified bucket does not exist", None
        except MissingKey:
            key = None
        if key is None:
            raise InvalidParameterValueException(f"Error occurred while GetObject. S3 Error Code: {problem}")
        return bytes(key.value)

    def update_configuration(self, config_updates: dict[str, Any]) -> dict[str, Any]:
        """UpdateFunctionConfiguration: what moto knows, and the rest."""
        if "Environment" in config_updates:
            config_updates = {**config_updates, "Environment": {"Variables": {}, **config_updates["Environment"]}}
            self._shows_variables = True
        super().update_configuration(config_updates)
        self.logging_config = config_updates.get("LoggingConfig") or self.logging_config
        self.tracing_config = config_updates.get("TracingConfig") or self.tracing_config
        self.ephemeral_storage = (config_updates.get("EphemeralStorage") or {}).get("Size", self.ephemeral_storage)
        return self.get_configuration()

    def variables(self) -> dict[str, str]:
        """The variables of its processes: Lambda's reserved ones, the way to the sandbox, and its own.

        Source: AWS Lambda Developer Guide, "Defined runtime environment variables".
        """
        sts = sts_backends[self.account_id][self.partition]
        session = sts.assume_role(self.region, self.function_name, self.role, "", limits("sts")["session"], "")
        return {
            "_HANDLER": str(self.handler),
            "AWS_ACCESS_KEY_ID": session.access_key_id,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ENDPOINT_URL": patches.host.url,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{self.run_time}",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(self.memory_size),
            "AWS_LAMBDA_FUNCTION_NAME": self.function_name,
            "AWS_LAMBDA_FUNCTION_VERSION": str(self.version),
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": self.log_group,
            "AWS_REGION": self.region,
            "AWS_SECRET_ACCESS_KEY": session.secret_access_key,
            "AWS_SESSION_TOKEN": session.session_token,
            "LANG": "C.UTF-8",
            "PATH": os.defpath,
            "TZ": ":UTC",
            **vpc_endpoints.resolved(self.environment_vars, patches.host.url),
        }


def _digest(runtime: str) -> str:
    """What a runtime's version is known by."""
    return hashlib.sha256(runtime.encode()).hexdigest()
