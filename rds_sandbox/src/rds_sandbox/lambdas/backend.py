"""Lambda's functions of an account in a region: moto's, found by whatever name and qualifier they are called."""

from collections.abc import Sequence
from functools import partialmethod
from typing import Any, cast

from moto.awslambda import models, urls
from moto.awslambda.exceptions import InvalidParameterValueException, UnknownFunctionException
from moto.awslambda.responses import LambdaResponse
from moto.core.responses import BaseResponse

from rds_sandbox.lambdas import names
from rds_sandbox.lambdas.fleets import fleets
from rds_sandbox.lambdas.functions import SandboxFunction
from rds_sandbox.lambdas.validation import LIMITS
from rds_sandbox.patches import backend_of
from rds_sandbox.policies import Statement

# moto's paths leave out some characters that a name can be tried with, and the account's settings.
for _path in tuple(urls.url_paths):
    urls.url_paths[_path.replace(r"[\w_:%-]+", "[^/]+")] = urls.url_paths.pop(_path)
urls.url_paths[r"{0}/(?P<api_version>[^/]+)/account-settings/?$"] = LambdaResponse.dispatch
# An event may be of any bytes: what is wrong with it the action says.
LambdaResponse.setup_class = partialmethod(BaseResponse.setup_class, use_raw_body=True)  # type: ignore[assignment]


@backend_of(models.lambda_backends)
class SandboxLambdaBackend(models.LambdaBackend):
    """Lambda whose functions are run."""

    def reset(self) -> None:
        """/moto-api/reset: no process is left."""
        fleets().end_all()
        super().reset()

    def latest(self, name: str) -> SandboxFunction | None:
        """The unpublished version of the function of this bare name."""
        found: SandboxFunction | None = self._lambdas._functions.get(name, {}).get("latest")
        return found

    def versions(self, name: str) -> list[SandboxFunction]:
        """The published versions of a function that is there, oldest first."""
        found: list[SandboxFunction] = self._lambdas._functions[name]["versions"]
        return found

    def get_function(self, function_name_or_arn: str, qualifier: str | None = None, drawn: bool = False) -> SandboxFunction:
        """The version that is called, under the ARN by which it is.

        Args:
            function_name_or_arn: any of the ways to call it.
            qualifier: a version or an alias.
            drawn: whether the weights of an alias decide, as for an invocation.
        """
        name, qualifier = names.read(self, function_name_or_arn, qualifier)
        function = self.latest(name)
        if function is None:
            raise UnknownFunctionException(names.arn(self, name, qualifier))
        if qualifier is None:
            return function
        version = qualifier
        if alias := function.common.aliases.get(qualifier):
            version = alias.draw() if drawn else alias.version
        for each in (function, *self.versions(name)):
            if str(each.version) == version:
                return each.called(names.arn(self, name, qualifier))
        raise UnknownFunctionException(names.arn(self, name, qualifier))

    def unqualified(self, called: str) -> SandboxFunction:
        """The unpublished version of the function, whatever qualifier it is called with."""
        return self.get_function(names.read(self, called)[0])

    def statements(self, called: str, qualifier: str | None = None) -> Sequence[Statement]:
        """Those of the policy of exactly what is called: the function, a version or an alias."""
        policy = self.policy(called, qualifier)
        return policy.statements if policy else ()

    def policy(self, called: str, qualifier: str | None = None) -> Any:
        """That of exactly what is called; None where it has none."""
        name, qualifier = names.read(self, called, qualifier)
        function = self.latest(name)
        return function.common.policies.get(qualifier) if function else None

    def tag_resource(self, resource_arn: str, tags: dict[str, str]) -> None:
        """At most as many as a resource may have."""
        function = self.unqualified(resource_arn)
        check_tags({**function.tags, **tags})
        super().tag_resource(resource_arn, tags)
        function.revise()

    def untag_resource(self, resource_arn: str, tag_keys: list[str]) -> None:
        """Those that are not there are none."""
        super().untag_resource(resource_arn, tag_keys)
        self.unqualified(resource_arn).revise()

    def _get_resource_by_arn(self, arn: str) -> Any:
        return self.unqualified(arn)


def backend_in(account: str, region: str) -> SandboxLambdaBackend:
    """The functions of an account in a region."""
    found: Any = models.lambda_backends[account][region]
    return cast(SandboxLambdaBackend, found)


def check_tags(tags: dict[str, str]) -> None:
    """Refuse more than a function may have."""
    if len(tags) > LIMITS["tags"]:
        raise InvalidParameterValueException("Number of tags exceeds resource tag limit.")
