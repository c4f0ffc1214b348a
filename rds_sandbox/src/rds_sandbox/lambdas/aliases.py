"""The aliases of functions: names that lead to a version, or by weight to one of two.

Source: AWS Lambda API Reference (CreateAlias, UpdateAlias); Developer Guide, "Implement Lambda canary deployments using a
weighted alias"; the texts are those that AWS answers.
"""

import random
import uuid
from dataclasses import dataclass, field
from typing import Any

from moto.awslambda.exceptions import InvalidParameterValueException, UnknownAliasException

from rds_sandbox.lambdas import names
from rds_sandbox.lambdas.functions import SandboxFunction
from rds_sandbox.lambdas.validation import CONFLICT_CODE, refusal
from rds_sandbox.lambdas.versions import check_revision
from rds_sandbox.patches import Request, action


@dataclass
class Alias:
    """An alias.

    Attributes:
        weights: how often, from 0 to 1, another version is run; of one version at most.
    """

    arn: str
    name: str
    version: str
    description: str = ""
    weights: dict[str, float] = field(default_factory=dict)
    revision_id: str = ""

    def draw(self) -> str:
        """The version to run this time."""
        return next((version for version, weight in self.weights.items() if random.random() < weight), self.version)

    def set(self, given: dict[str, Any]) -> None:
        """What is not given stays as it is; another revision."""
        self.version = given.get("FunctionVersion", self.version)
        self.description = given.get("Description", self.description)
        self.weights = _weights(given, self.weights)
        self.revision_id = str(uuid.uuid4())

    def described(self) -> dict[str, Any]:
        """AliasConfiguration."""
        described = {"AliasArn": self.arn, "Name": self.name, "FunctionVersion": self.version, "Description": self.description}
        routing = {"RoutingConfig": {"AdditionalVersionWeights": self.weights}} if self.weights else {}
        return {**described, "RevisionId": self.revision_id, **routing}


def _weights(given: dict[str, Any], otherwise: dict[str, float]) -> dict[str, float]:
    return dict(given["RoutingConfig"].get("AdditionalVersionWeights") or {}) if "RoutingConfig" in given else otherwise


@action("lambda", "CreateAlias")
def create(request: Request) -> dict[str, Any]:
    """Of a version that is there, under a name that is not."""
    given, backend = request.parameters, request.backend
    function = backend.get_function(names.read(backend, given["FunctionName"])[0], given["FunctionVersion"])
    name, aliases = given["Name"], function.common.aliases
    alias = Alias(names.arn(backend, function.function_name, name), name, given["FunctionVersion"])
    _check_weights(request, function.function_name, alias)
    if name in aliases:
        raise refusal(409, CONFLICT_CODE, f"Alias already exists: {alias.arn}")
    alias.set(given)
    aliases[name] = alias
    return alias.described()


@action("lambda", "UpdateAlias")
def update(request: Request) -> dict[str, Any]:
    """In the revision that the caller knows."""
    given = request.parameters
    function = _function(request)
    alias = function.common.aliases.get(given["Name"])
    if alias is None:
        missing = names.arn(request.backend, function.function_name, given["Name"])
        raise refusal(404, names.NOT_FOUND_CODE, f"Alias not found: {missing}")
    check_revision(given.get("RevisionId"), alias.revision_id)
    if "FunctionVersion" in given:
        request.backend.get_function(function.function_name, given["FunctionVersion"])
    _check_weights(request, function.function_name, alias)
    alias.set(given)
    return alias.described()


@action("lambda", "GetAlias")
def get(request: Request) -> dict[str, Any]:
    """One that is there."""
    function, name = _function(request), request.parameters["Name"]
    if name not in function.common.aliases:
        raise UnknownAliasException(names.arn(request.backend, function.function_name, name))
    return function.common.aliases[name].described()


@action("lambda", "DeleteAlias")
def delete(request: Request) -> dict[str, Any]:
    """And its policy; one that is not there is no error."""
    common, name = _function(request).common, request.parameters["Name"]
    if common.aliases.pop(name, None):
        common.policies.pop(name, None)
    return {}


def _function(request: Request) -> SandboxFunction:
    function: SandboxFunction = request.backend.unqualified(request.parameters["FunctionName"])
    return function


def _check_weights(request: Request, function: str, alias: Alias) -> None:
    """At most one other version, which is there; none beside $LATEST."""
    given = request.parameters
    weights, version = _weights(given, alias.weights), given.get("FunctionVersion", alias.version)
    if len(weights) > 1:
        raise InvalidParameterValueException("Number of items in AdditionalVersionWeights cannot be greater than 1")
    if weights and version == names.LATEST:
        raise InvalidParameterValueException("$LATEST is not supported for an alias pointing to more than 1 version")
    if version in weights:
        message = f"Invalid function version {version}. Function version {version} is already included in routing configuration."
        raise InvalidParameterValueException(message)
    for other in weights:
        request.backend.get_function(function, other)
