"""A user who is signed up, confirmed and removed again, to see whether a row appears.

The confirmation is the operator's (AdminConfirmSignUp): Cognito calls the trigger as for a code, and nobody's mailbox is needed.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cruddur_ops import aws, database, progress
from cruddur_ops.cognito import deployment, names, pool
from cruddur_ops.errors import OpsError
from cruddur_ops.plan import Action, Change, Plan, require_confirmation
from cruddur_ops.targets import Target, require_proven

# The mailbox simulator of Amazon SES takes every message, and counts as no bounce (Amazon SES Developer Guide).
MAILBOX = "success+{handle}@simulator.amazonses.com"
CLIENT = "cruddur-ops-trial"
# Whatever the trigger answers, the user is confirmed (Amazon Cognito API Reference, AdminConfirmSignUp).
TRIGGER_CODES = ("InvalidLambdaResponseException", "UnexpectedLambdaException", "UserLambdaValidationException")


class TriggerFailed(OpsError):
    """The user is confirmed, and has no row."""


class HandleInUse(OpsError):
    """A user of the application has the handle that the trial wants."""


@dataclass(frozen=True)
class Trial:
    """A user of the trial.

    Attributes:
        handle: the preferred_username.
        username: what Cognito's calls name the user by.
        pool_id: of the user pool.
        sub: the Cognito id.
        since: when the user was signed up, in milliseconds since 1970 by AWS's clock.
    """

    handle: str
    username: str = field(repr=False)
    pool_id: str = field(repr=False)
    sub: str = field(repr=False)
    since: int = field(repr=False)


def plan_trial(target: Target, handle: str) -> Plan:
    """What a trial changes: both are applied, the second one when the row was seen."""
    require_proven(target, "the trial of the post-confirmation function")
    return _plan(target, _creation(handle), _removal(handle))


def _plan(target: Target, *changes: Change) -> Plan:
    return Plan(f"trial on {target.name}", changes)


def _creation(handle: str) -> Change:
    return Change(Action.CREATE, f"user @{handle}", note="in the pool, and by the function in the table")


def _removal(handle: str) -> Change:
    return Change(Action.DELETE, f"user @{handle}", note="from both, in the end")


def sign_up(target: Target, handle: str, confirm: str = "") -> Trial:
    """Sign a user up as the application does; one that an earlier trial left behind is removed first.

    Raises:
        ConfirmationRequired: the target is protected and `confirm` is not its DB instance identifier.
        HandleInUse: a user of the application has the handle.
        PoolMissing: there is no user pool.
    """
    _require_agreement(target, _creation(handle), confirm)
    found = pool.require(target)
    email = MAILBOX.format(handle=handle)
    username = email if "email" in found.get("UsernameAttributes", []) else handle
    left = _find(target, found["Id"], username)
    if left:
        remove(target, left, confirm)
    _require_free(target, handle)
    cognito = aws.client(target, "cognito-idp")
    client = cognito.create_user_pool_client(UserPoolId=found["Id"], ClientName=CLIENT)["UserPoolClient"]["ClientId"]
    try:
        attributes = {"email": email, "name": "Trial of the runbook", "preferred_username": handle}
        given = [{"Name": name, "Value": value} for name, value in attributes.items()]
        cognito.sign_up(ClientId=client, Username=username, Password=_password(), UserAttributes=given)
    finally:
        cognito.delete_user_pool_client(UserPoolId=found["Id"], ClientId=client)
    made = _find(target, found["Id"], username)
    assert made is not None
    return made


def _require_agreement(target: Target, change: Change, confirm: str) -> None:
    require_confirmation(
        _plan(target, change), protected=target.protected, identifier=target.db_instance_identifier, confirm=confirm
    )


def _password() -> str:
    """One that nobody will type, with every kind of character that a pool may ask for."""
    return f"{secrets.token_urlsafe(32)}aA1!"


def _require_free(target: Target, handle: str) -> None:
    if database.rows(target, "users/by_handle", handle=handle):
        raise HandleInUse(f"@{handle} is a user of the application: try another handle")


def _find(target: Target, pool_id: str, username: str) -> Trial | None:
    """The user of this name in the pool; None where there is none."""
    cognito = aws.client(target, "cognito-idp")
    try:
        found = cognito.admin_get_user(UserPoolId=pool_id, Username=username)
    except cognito.exceptions.UserNotFoundException:
        return None
    attributes = attributes_of(found["UserAttributes"])
    since = int(found["UserCreateDate"].timestamp()) * 1000
    return Trial(attributes.get("preferred_username", ""), username, pool_id, attributes["sub"], since)


def attributes_of(items: list[Mapping[str, str]]) -> dict[str, str]:
    """A user's attributes by name."""
    return {item["Name"]: item.get("Value", "") for item in items}


def confirm_sign_up(target: Target, trial: Trial) -> None:
    """Confirm the user, upon which Cognito calls the function, and waits for it.

    Raises:
        TriggerFailed: the function did not write the row; the message says what is missing, where that is known.
    """
    from botocore.exceptions import ClientError

    cognito = aws.client(target, "cognito-idp")
    try:
        with progress.waiting("Cognito calls the function"):  # up to three times, for 5 seconds
            cognito.admin_confirm_sign_up(UserPoolId=trial.pool_id, Username=trial.username)
    except ClientError as error:
        if aws.error_code(error) not in TRIGGER_CODES:
            raise
        said = f"{aws.error_code(error)}: {error.response['Error'].get('Message', '').rstrip('.')}"
        raise TriggerFailed(f"the user is confirmed and has no row ({said}): {_remedy(target)}") from error


def _remedy(target: Target) -> str:
    """What differs from the deployment as it is wanted, since that is why; else where the function says why."""
    missing = [str(change) for change in deployment.plan(target).mutating]
    if missing:
        return f"missing: {'; '.join(missing)}: apply the plans of 05_post_confirmation_lambda"
    return f"see why with `aws logs tail {names.log_group(target)}`, then repeat"


def row(target: Target, trial: Trial) -> dict[str, Any]:
    """The user's row: handle and display name; empty where there is none."""
    found = database.rows(target, "users/by_cognito_id", cognito_user_id=trial.sub)
    return found[0] if found else {}


def remove(target: Target, trial: Trial, confirm: str = "") -> None:
    """Remove the user from the pool and the row from the database.

    Raises:
        ConfirmationRequired: the target is protected and `confirm` is not its DB instance identifier.
    """
    _require_agreement(target, _removal(trial.handle), confirm)
    database.rows(target, "users/forget", cognito_user_id=trial.sub)
    aws.client(target, "cognito-idp").admin_delete_user(UserPoolId=trial.pool_id, Username=trial.username)
