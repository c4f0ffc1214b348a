"""The way to AWS: a target's clients, what they find, and error codes told apart."""

import functools
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from cruddur_ops import ledger, moment, redaction, targets
from cruddur_ops.aws import sessions
from cruddur_ops.aws.sessions import Role
from cruddur_ops.errors import AccessDenied, AwsUnreachable, NoCredentials, SandboxNotUp, WrongInput
from cruddur_ops.garbage import uncollected
from cruddur_ops.target import Target

# Common Errors of each service's API reference, and EC2's list of error codes.
DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "OptInRequired"}
SAID = re.compile(r"AWS denies ([\w-]+:\w+(?: on \S+)?)")  # in the sentences of AccessDenied
# IAM User Guide, "Troubleshooting access denied error messages"; EC2's is encoded, unless the action and resource can be told.
NAMED = re.compile(r"is not authorized to perform: (\S+)(?: on resource: ((?!\*)\S+))?")
UNKNOWN_CALLER = {
    "AuthFailure",
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
SKEW_SECONDS = 240  # a signature counts for five minutes before and after (IAM User Guide, "AWS Signature Version 4")
EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
# What a service answers whose limits are reached (AWS General Reference, "Retry behavior"; EC2 and RDS error codes).
THROTTLED_CODES = {
    "RequestLimitExceeded",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
}
IAM_ABSENT_CODE = "NoSuchEntity"  # what IAM answers of what is not there (IAM API Reference, Common Errors)
FAILURES = (500, 502, 503, 504)  # the statuses that botocore's standard mode takes for passing
ATTEMPTS = 5
# What AWS would do once more: a call of these whose answer was lost is not repeated.
NOT_TWICE = {"CreateUserPool", "CreateVpcEndpoint"}
LOOPBACK = ("127.0.0.1", "localhost", "::1")
_identities: dict[tuple[str, Role, str], Mapping[str, str]] = {}  # by profile, role and endpoint


def client(target: Target, service: str) -> Any:
    """A boto3 client of the service for this target; calls raise OpsError where the caller is at fault.

    The credentials are those of the ordinary chain (AWS SDKs and Tools Reference Guide, "Credential
    providers"), of the target's profile where it names one, and the sandbox's own in the sandbox.

    Raises:
        SandboxNotUp: the target is the sandbox, and none is running.
        NoCredentials: the profile does not exist, or asks for a code that nobody can type.
        WrongInput: the credentials are another account's, or the environment names an endpoint; calls that change something
            raise it too, where the target names no account.
    """
    _require_here(target)
    return _client(*_way(target), service)


def _way(target: Target) -> tuple[str, str, Role, str, bool, str]:
    unpinned = "" if target.sandbox or target.account_id else target.name
    profile, role = ("", ("", "")) if target.sandbox else (target.profile, (target.role_arn, target.external_id))
    return target.region, profile, role, target.endpoint_url, target.sandbox, unpinned


def _require_here(target: Target) -> None:
    """Refuse to ask anything of another place than the target is in."""
    if target.sandbox:
        require_sandbox(target)
        return
    targets.require_real_endpoint(target)
    if target.account_id:
        found = _identity(target)["Account"]
        if found != target.account_id:
            wanted = f'target "{target.name}" is in account {target.account_id}'
            whose = f'profile "{target.profile}"' if target.profile else "the environment"
            remedy = "sign in there, or name another profile in targets.toml"
            raise WrongInput(f"{wanted}, and the credentials of {whose} are account {found}'s, so nothing was done: {remedy}")


def require_sandbox(target: Target) -> None:
    """Refuse to act on a sandbox target whose endpoint is missing, or is not on this machine.

    Raises:
        SandboxNotUp: so it is.
    """
    if not target.endpoint_url:
        raise SandboxNotUp(f'the sandbox of target "{target.name}" is not up: start it with `cruddur-ops sandbox up`')
    if urlsplit(target.endpoint_url).hostname not in LOOPBACK:
        message = (
            f'target "{target.name}" is the sandbox, but AWS_ENDPOINT_URL names another host: '
            "unset it, or `eval $(cruddur-ops sandbox env)`"
        )
        raise SandboxNotUp(message)


@functools.cache
def _client(region: str, profile: str, role: Role, endpoint_url: str, sandbox: bool, unpinned: str, service: str) -> Any:
    from botocore.config import Config

    config = Config(
        retries={"mode": "standard", "max_attempts": ATTEMPTS},
        connect_timeout=5,
        user_agent_extra="cruddur-ops",
        ignore_configured_endpoint_urls=True,
    )
    session = sessions.session(profile, endpoint_url if sandbox else "")
    session = sessions.assumed(session, region, *role) if role[0] else session
    with uncollected():
        made = session.create_client(service, region_name=region, endpoint_url=endpoint_url or None, config=config)
    made.meta.events.register("provide-client-params", lambda params, **_: redaction.remember_members(params))
    if unpinned:
        made.meta.events.register("before-call", functools.partial(_require_reading, unpinned))
    made.meta.events.register_first("needs-retry", _note_lost)
    made.meta.events.register("after-call", _note)
    made.meta.events.register("after-call", functools.partial(_raise_denied, sandbox=sandbox))
    made.meta.events.register("after-call-error", _note_failure)
    made.meta.events.register("after-call-error", _raise_unreachable)
    return made


def forget() -> None:
    """Make clients and sessions anew from now on: the environment's credentials have changed."""
    _client.cache_clear()
    sessions.assumed.cache_clear()
    sessions.session.cache_clear()
    _identities.clear()


def _require_reading(unpinned: str, model: Any, **_: Any) -> None:
    if ledger.mutating(model.name):
        targets.require_pinned(Target(unpinned))


def _note(model: Any, parsed: dict[str, Any], context: Mapping[str, Any], **_: Any) -> None:
    """Keep what the run's ledger wants to know, what must not be shown, and whether an answer was lost before this one."""
    if ledger.mutating(model.name):
        moment.forget()
    if context.get("lost"):
        parsed["ResponseMetadata"]["Lost"] = True
    redaction.remember_members(parsed)
    ledger.record(model.service_model.signing_name, model.name, parsed)


def _note_failure(event_name: str, exception: Exception, **_: Any) -> None:
    """A call without an answer: whether AWS did it is not known."""
    service, operation = event_name.split(".")[1:]
    ledger.record(service, operation, {"Error": {"Code": type(exception).__name__}})


def answered(parsed: Mapping[str, Any]) -> datetime:
    """When AWS answered, by its own clock."""
    return parsedate_to_datetime(parsed["ResponseMetadata"]["HTTPHeaders"]["date"])


def _skew(parsed: Mapping[str, Any]) -> float:
    """By how many seconds the clock of whoever answered is ahead of this machine's."""
    dated = "date" in parsed.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    return (answered(parsed) - datetime.now(UTC)).total_seconds() if dated else 0


def _raise_denied(model: Any, parsed: Mapping[str, Any], *, sandbox: bool = False, **_: Any) -> None:
    code = parsed.get("Error", {}).get("Code", "")
    action = f"{model.service_model.signing_name}:{model.name}"
    if code in DENIED:
        said = NAMED.search(parsed["Error"].get("Message") or "")  # in the words of IAM, which may be another action's
        what = " on ".join(one for one in said.groups() if one) if said else action
        raise AccessDenied(f"AWS denies {what} ({code}): ask for this permission, or use another profile")
    skew = _skew(parsed) if code in EXPIRED | UNKNOWN_CALLER else 0
    if abs(skew) > SKEW_SECONDS:
        minutes, way = f"{abs(skew) / 60:.0f}", "behind" if skew > 0 else "ahead of"
        raise NoCredentials(f"this machine's clock is {minutes} minutes {way} that of AWS, which refuses that ({code}): set it")
    if code in EXPIRED:
        remedy = "sign in again, for example with `aws sso login`, then repeat: what was done already is found done"
        raise NoCredentials(f"the AWS credentials have expired ({code}): {remedy}")
    if code in UNKNOWN_CALLER and sandbox:
        remedy = '`eval "$(cruddur-ops sandbox env)"` as the user who started it'
        raise NoCredentials(f"the sandbox does not accept these keys ({code}), which are not its owner's: {remedy}")
    if code in UNKNOWN_CALLER:
        raise NoCredentials(f"AWS does not accept the credentials ({code}): sign in again, for example with `aws sso login`")
    status = parsed.get("ResponseMetadata", {}).get("HTTPStatusCode")
    if code in THROTTLED_CODES or status in FAILURES:
        answer = f"{code or status} {parsed.get('Error', {}).get('Message', '')}".strip()
        remedy = "wait a minute, then repeat: what was done already is found done"
        raise AwsUnreachable(f"AWS answers {action} {ATTEMPTS} times with {answer}: {remedy}")


def _note_lost(operation: Any, caught_exception: Exception | None, request_dict: Mapping[str, Any], **_: Any) -> None:
    """Note that an answer was lost, before the call is repeated."""
    from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError

    if caught_exception is None or isinstance(caught_exception, (ConnectTimeoutError, EndpointConnectionError)):
        return  # it was answered, or never sent
    request_dict["context"]["lost"] = True
    if operation.name in NOT_TWICE:
        raise caught_exception


def _raise_unreachable(exception: Exception, context: Mapping[str, Any], **_: Any) -> None:
    from botocore import exceptions

    if isinstance(exception, (exceptions.NoCredentialsError, exceptions.PartialCredentialsError)):
        raise NoCredentials("no AWS credentials were found: sign in with `aws sso login`, or set AWS_PROFILE") from exception
    if isinstance(exception, exceptions.RefreshWithMFAUnsupportedError):
        raise NoCredentials("the AWS credentials have expired, and ask for another MFA code: repeat the command") from exception
    if isinstance(exception, (exceptions.SSOError, exceptions.TokenRetrievalError, exceptions.CredentialRetrievalError)):
        raise NoCredentials(f"the AWS credentials cannot be used ({exception}): sign in with `aws sso login`") from exception
    if isinstance(exception, exceptions.ClientError):  # not of the call itself: its answer has been read before
        code = error_code(exception)
        remedy = "sign in again, or ask for the right to take it on"
        raise NoCredentials(f"the role of the AWS profile cannot be taken on ({code}): {remedy}") from exception
    if isinstance(exception, (exceptions.ConnectionError, exceptions.HTTPClientError)):
        url = exception.kwargs.get("endpoint_url", "AWS")
        if isinstance(exception, exceptions.EndpointConnectionError) and urlsplit(url).hostname in LOOPBACK:
            raise SandboxNotUp(f"nothing listens at {url}: start the sandbox with `cruddur-ops sandbox up`") from exception
        remedy = "check the network, then repeat: what was done already is found done"
        unreachable = AwsUnreachable(f"no answer from {url}: {remedy}")
        unreachable.uncertain = context.get("lost", False)
        raise unreachable from exception


def partition(region: str) -> str:
    """Such as "aws", "aws-cn" in China and "aws-us-gov" in GovCloud."""
    return "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov-") else "aws"


def error_code(error: Exception) -> str:
    """The AWS error code of a botocore ClientError, such as "DBInstanceNotFound"; "" for any other error."""
    response: Mapping[str, Any] = getattr(error, "response", {})
    return str(response.get("Error", {}).get("Code", ""))


def uncertain(error: Exception) -> bool:
    """Whether AWS may have done all the same what it refuses, or does not answer: an answer was lost."""
    response: Mapping[str, Any] = getattr(error, "response", {})
    return bool(response.get("ResponseMetadata", {}).get("Lost")) or getattr(error, "uncertain", False)


def find(target: Target, service: str, operation: str, *absent: str, **parameters: Any) -> dict[str, Any] | None:
    """What an operation that reads answers; None where AWS says, by one of these codes, that there is no such thing."""
    from botocore.exceptions import ClientError

    def ask() -> dict[str, Any] | None:
        try:
            answer: dict[str, Any] = getattr(client(target, service), operation)(**parameters)
        except ClientError as error:
            if error_code(error) in absent:
                return None
            raise
        return answer

    return moment.once((_way(target), service, operation, absent, repr(parameters)), ask)


def pages(target: Target, service: str, operation: str, *absent: str, **parameters: Any) -> list[Any]:
    """All items of an operation that answers in pages, under the first of its result keys; none where `find` finds nothing."""
    from botocore.exceptions import ClientError

    paginator = client(target, service).get_paginator(operation)
    key = paginator.result_keys[0]
    try:
        return [item for page in paginator.paginate(**parameters) for item in key.search(page) or ()]
    except ClientError as error:
        if error_code(error) in absent:
            return []
        raise


def as_filters(filters: Mapping[str, Iterable[str]]) -> list[dict[str, Any]]:
    """Filters of EC2 by name: an item passes those of which it has one of the values each."""
    return [{"Name": name, "Values": sorted(set(values))} for name, values in filters.items()]


def caller_identity(target: Target) -> Mapping[str, str]:
    """Who calls: Account, Arn, UserId (AWS STS API Reference, GetCallerIdentity)."""
    _require_here(target)
    return _identity(target)


def _identity(target: Target) -> Mapping[str, str]:
    """The same without a check; asked once in a process."""
    way = _way(target)
    who = way[1:4]
    if who not in _identities:
        _identities[who] = _client(*way, "sts").get_caller_identity()
    return _identities[who]
