"""The post-confirmation trigger: Cognito invokes the pool's function and makes an error of what goes wrong.

Source: Amazon Cognito Developer Guide, "Customizing user pool workflows with Lambda triggers" (five seconds, three
times; the event's common parameters) and "Post confirmation Lambda trigger"; the texts are those that AWS answers.
"""

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from moto.awslambda.exceptions import LambdaClientError
from moto.core.exceptions import JsonRESTError

from rds_sandbox import patches
from rds_sandbox.errors import NotInSandbox
from rds_sandbox.lambdas import invocations
from rds_sandbox.lambdas.execution_environment import Outcome
from rds_sandbox.tables import limits

ATTEMPTS = limits("cognito-idp")["trigger_attempts"]
SERVICE = "cognito-idp.amazonaws.com"
NO_CLIENT = "CLIENT_ID_NOT_APPLICABLE"  # the event's clientId where an administrator confirms

_MESSAGES = ("CustomMessage", "CustomEmailSender", "CustomSMSSender")
_SIGN_IN = (
    "PreAuthentication", "PostAuthentication", "PreTokenGeneration", "PreTokenGenerationConfig", "UserMigration",
    "DefineAuthChallenge", "CreateAuthChallenge", "VerifyAuthChallengeResponse",
)  # fmt: skip
# The other triggers, by the action in which Cognito would invoke them.
OTHER_TRIGGERS = {
    "SignUp": ("PreSignUp", *_MESSAGES),
    "ResendConfirmationCode": _MESSAGES,
    "ForgotPassword": _MESSAGES,
    "AdminCreateUser": ("PreSignUp", *_MESSAGES),
    "InitiateAuth": _SIGN_IN,
    "AdminInitiateAuth": _SIGN_IN,
}


def refuse_others(action: str, pool: Any) -> None:
    """Refuse an action of a pool that has a trigger which Cognito would invoke in it, and the sandbox does not."""
    for trigger in OTHER_TRIGGERS[action]:
        if pool.extended_config["LambdaConfig"].get(trigger):
            raise NotInSandbox(f"the trigger {trigger} is not in the sandbox")


def post_confirmation(pool: Any, user: Any, source: str, request: Mapping[str, Any]) -> None:
    """Invoke the pool's PostConfirmation function, where it has one, and raise what goes wrong: the user is confirmed.

    The source is "ConfirmSignUp" or "ConfirmForgotPassword", the request the parameters of the action.
    """
    function = pool.extended_config.get("LambdaConfig", {}).get("PostConfirmation")
    if not function:
        return
    outcome = _invoke(pool, function, _event(pool, user, f"PostConfirmation_{source}", request))
    if outcome.error is not None:
        message = f"PostConfirmation failed with error {outcome.error['errorMessage']}."
        raise JsonRESTError("UserLambdaValidationException", message)
    if not _recognized(outcome.payload):
        raise JsonRESTError("InvalidLambdaResponseException", "Unrecognizable lambda output")


def _event(pool: Any, user: Any, source: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """What the function is given."""
    metadata = request.get("ClientMetadata")
    described: dict[str, Any] = {"userAttributes": {**user.attribute_lookup, "cognito:user_status": user.status.value}}
    return {
        "version": "1",
        "region": pool.region,
        "userPoolId": pool.id,
        "userName": user.username,
        "callerContext": {"awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": request.get("ClientId", NO_CLIENT)},
        "triggerSource": source,
        "request": described | ({"clientMetadata": metadata} if metadata else {}),
        "response": {},
    }


def _recognized(payload: str) -> bool:
    """Whether a function's answer is an event with a response."""
    answer = json.loads(payload)
    return isinstance(answer, dict) and isinstance(answer.get("response"), dict)


def _invoke(pool: Any, arn: str, event: Mapping[str, Any]) -> Outcome:
    if arn.split(":")[3] != pool.region or not invocations.permitted(arn, SERVICE, pool.arn):  # one that is gone has no policy
        raise _unexpected("AccessDeniedException")
    attempts = ThreadPoolExecutor(ATTEMPTS, "post-confirmation")
    try:
        for _ in range(ATTEMPTS):
            try:
                return attempts.submit(invocations.call, arn, json.dumps(event)).result(patches.host.trigger_seconds)
            except TimeoutError:
                continue
            except LambdaClientError as error:
                raise _unexpected(error.error_type) from error
    finally:
        attempts.shutdown(wait=False)
    raise _unexpected("Socket timeout while invoking Lambda function")


def _unexpected(problem: str) -> JsonRESTError:
    return JsonRESTError("UnexpectedLambdaException", f"PostConfirmation invocation failed due to error {problem}.")
