"""The versions of a function: published, listed and deleted."""

import copy
from typing import Any

from moto.awslambda.exceptions import InvalidParameterValueException

from rds_sandbox.lambdas import names
from rds_sandbox.lambdas.fleets import fleets
from rds_sandbox.lambdas.functions import SandboxFunction
from rds_sandbox.lambdas.validation import CONFLICT_CODE, refusal
from rds_sandbox.patches import Request, action

NOT_NOW = "The operation cannot be performed at this time."
STALE_CODE = "PreconditionFailedException"


@action("lambda", "PublishVersion")
def publish_version(request: Request) -> dict[str, Any]:
    """Of what is as its caller knows it, and settled."""
    given, backend = request.parameters, request.backend
    function = backend.unqualified(given["FunctionName"])
    check_modifiable(function, given.get("RevisionId"))
    if given.get("CodeSha256") not in (None, function.code_sha_256):
        ours, theirs = function.code_sha_256, given["CodeSha256"]
        message = f"CodeSHA256 ({theirs}) is different from current CodeSHA256 in $LATEST ({ours})."
        raise InvalidParameterValueException(f"{message} Please try again with the CodeSHA256 in $LATEST.")
    return publish(backend, function, given.get("Description", "")).get_configuration()


def publish(backend: Any, latest: SandboxFunction, description: str = "") -> SandboxFunction:
    """A new version, a state of its own; the last one again where nothing has changed since (API Reference, PublishVersion)."""
    there: list[SandboxFunction] = backend.versions(latest.function_name)
    if there and there[-1].published_from == latest.state_id:
        return there[-1]
    latest.common.published += 1
    version = copy.copy(latest)
    version.set_version(latest.common.published)
    version.description = description or latest.description
    version.published_from, version.updated_at = latest.state_id, 0.0
    version.touch()
    there.append(version)
    backend._lambdas._arns[version.function_arn] = version
    latest.revise()
    return version


def check_active(function: SandboxFunction) -> None:
    """Refuse what needs a function that is no longer being created."""
    if function.pending:
        raise refusal(409, CONFLICT_CODE, f"{NOT_NOW} The function is currently in the following state: Pending")


def check_modifiable(function: SandboxFunction, revision: str | None) -> None:
    """Refuse what needs a function that has settled, and in the revision that the caller knows, if he says which."""
    check_active(function)
    if function.updating:
        raise refusal(409, CONFLICT_CODE, f"{NOT_NOW} An update is in progress for resource: {function.function_arn}")
    check_revision(revision, function.revision_id)


def check_revision(given: str | None, current: str, look: str = "GetFunction/GetAlias") -> None:
    """Refuse a change of what was changed meanwhile; `look` is the action that tells the revision."""
    if given not in (None, current):
        message = "The Revision Id provided does not match the latest Revision Id."
        raise refusal(412, STALE_CODE, f"{message} Call the {look} API to retrieve the latest Revision Id")


def check_deletion(backend: Any, name: str, qualifier: str) -> None:
    """Of one version of a function, which no alias leads to; the function may be unknown."""
    if qualifier == names.LATEST:
        raise InvalidParameterValueException("$LATEST version cannot be deleted without deleting the function.")
    if names.may_be_alias(qualifier):
        raise InvalidParameterValueException("Deletion of aliases is not currently supported.")
    function = backend.latest(name)
    aliases = function.common.aliases.values() if function else ()
    leading = [each.name for each in aliases if qualifier in (each.version, *each.weights)]
    if leading:
        message = f"Unable to delete version because the following aliases reference it: [{', '.join(leading)}]"
        raise refusal(409, CONFLICT_CODE, message)


def delete(backend: Any, latest: SandboxFunction, qualifier: str | None) -> None:
    """A version, if it is there, or the function with all that it has; their processes end."""
    there: list[SandboxFunction] = backend.versions(latest.function_name)
    doomed = [each for each in there if qualifier in (None, str(each.version))]
    for version in doomed:
        there.remove(version)
        latest.common.policies.pop(str(version.version), None)
    if qualifier is None:
        del backend._lambdas._functions[latest.function_name]
        doomed.append(latest)
    for each in doomed:
        backend._lambdas._arns.pop(each.function_arn, None)
        fleets().retire(each.state_id)
