"""The smoke test of the function: a user is signed up and confirmed, the row appears, and both are removed again.

The confirmation is the operator's (AdminConfirmSignUp): Cognito calls the trigger as for a code, and nobody's mailbox is needed.
Planning raises WrongInput for what is no handle, InUse where a user of the application has it; confirming NotVerified where the
function wrote no row.
"""

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from cruddur_ops import aws, limits, progress
from cruddur_ops.cognito import deployment, names, pool
from cruddur_ops.cognito.logs import Tail, tail
from cruddur_ops.cognito.users import attributes_of
from cruddur_ops.database import statements
from cruddur_ops.database.errors import ConnectionTimedOut, DatabaseMissing, SchemaMissing
from cruddur_ops.database.planning import write
from cruddur_ops.errors import InstanceNotReady, InUse, NotFound, NotVerified, WrongInput
from cruddur_ops.plan import Action, Call, Change, Plan, step
from cruddur_ops.target import Target

# The mailbox simulator of Amazon SES takes every message, and counts as no bounce (Amazon SES Developer Guide).
MAILBOX = "success+{handle}@simulator.amazonses.com"
NAME = "Smoke test of the runbook"
RUN = "nickname"  # the attribute that tells the user of one smoke test from that of another
AFTER_THE_SCHEMA = "known after 03_load_schema_and_seed"
# What Cognito says of what is done already.
SIGNED_UP_CODE, CONFIRMED_CODE, DELETED_CODE = "UsernameExistsException", "NotAuthorizedException", "ResourceNotFoundException"
# Whatever the trigger answers, the user is confirmed (Amazon Cognito API Reference, AdminConfirmSignUp).
TRIGGER_CODES = ("InvalidLambdaResponseException", "UnexpectedLambdaException", "UserLambdaValidationException")


def client_name(target: Target) -> str:
    """The name of the app client that signs up; a pool may serve several targets."""
    return f"cruddur-ops-smoke-test-{target.db_instance_identifier}"


@dataclass(frozen=True)
class Found:
    """What the pool has of a smoke test."""

    pool_id: str
    handle: str
    email: str
    username: str  # what Cognito's calls name the user by
    user: Mapping[str, str]  # the attributes by name; empty where there is no user
    since: int  # when the user was signed up, in milliseconds since 1970 by AWS's clock
    clients: tuple[str, ...]  # the ids of the app clients that signed users up


def plan_smoke_test(target: Target, handle: str) -> Plan:
    """Sign a user up and confirm, upon which the function writes the row; what an earlier smoke test left is removed first."""
    return _plan_smoke_test(target, handle, secrets.token_hex(8))


@step
def _plan_smoke_test(target: Target, handle: str, run: str) -> Plan:
    return _planned(
        target, handle, "smoke test", partial(_additions, target, handle, run), Change(Action.CREATE, f"user @{handle}")
    )


@step
def plan_smoke_test_removal(target: Target, handle: str) -> Plan:
    """Remove the user of a smoke test from the pool, and the row from the database."""
    absent = Change(Action.DELETE, f"user @{handle}")
    return _planned(target, handle, "removal of the smoke test", partial(_removals, target, handle), absent)


def _planned(target: Target, handle: str, title: str, find: Callable[[], tuple[Change, ...]], absent: Change) -> Plan:
    """What is found; the absent change, with a note, where there is no database to ask yet."""
    if not limits.HANDLE.holds(handle):  # it becomes part of an address
        raise WrongInput(f"the handle of the smoke test cannot be {handle[:60]!a}: it is {limits.HANDLE.words}")
    try:
        changes = find()
    except (InstanceNotReady, ConnectionTimedOut, DatabaseMissing, SchemaMissing):
        changes = (replace(absent, note=AFTER_THE_SCHEMA),)
    return Plan(f"{title} on {target.name}", changes)


def smoke_test_row(target: Target, handle: str) -> dict[str, Any]:
    """The row of the smoke test: handle and display name; empty where there is none."""
    found = _row(target, handle)
    return {name: found[name] for name in ("handle", "display_name") if found}


def smoke_test_log(target: Target, handle: str) -> Tail:
    """What the function logged when Cognito called it for the smoke test."""
    found = _find(target, handle)
    if not found or not found.user:
        raise NotFound(f"there is no @{handle} in the user pool: apply the plan of the smoke test first")
    return tail(target, found.since)


def _additions(target: Target, handle: str, run: str) -> tuple[Change, ...]:
    found, row, user, written = _find(target, handle), _row(target, handle), f"user @{handle}", f"row of @{handle}"
    if found is None:
        return (Change(Action.CREATE, user, note="known after the user pool"),)
    if row and found.user.get(RUN) == run:
        return Change(Action.NONE, user), Change(Action.NONE, written)
    return (
        *_deletions(target, found, row, " of an earlier smoke test"),
        Change(Action.CREATE, user, note="in the pool", make=partial(_sign_up, target, found, run)),
        Change(Action.CREATE, written, note="by the function, upon confirmation", make=partial(_confirm, target, found)),
    )


def _removals(target: Target, handle: str) -> tuple[Change, ...]:
    found = _find(target, handle)
    changes = _deletions(target, found, _row(target, handle)) if found else ()
    return changes or (Change(Action.NONE, f"user @{handle}", note="known after the smoke test"),)


def _deletions(target: Target, found: Found, row: Mapping[str, Any], whose: str = "") -> tuple[Change, ...]:
    """The user goes last: as long as there is something, there is one whom the next smoke test finds."""
    user = Call("cognito-idp", "admin_delete_user", {"UserPoolId": found.pool_id, "Username": found.username})
    forget = partial(write, target, "users/forget", email=found.email)
    clients = [
        Call("cognito-idp", "delete_user_pool_client", {"UserPoolId": found.pool_id, "ClientId": i}) for i in found.clients
    ]
    return (
        *(Change(Action.DELETE, f"app client {client_name(target)}{whose}", calls=(call,)) for call in clients),
        *([Change(Action.DELETE, f"row of @{found.handle}{whose}", make=forget)] if row else []),
        *([Change(Action.DELETE, f"user @{found.handle}{whose}", calls=(user,))] if found.user else []),
    )


def _find(target: Target, handle: str) -> Found | None:
    """What the pool has of a smoke test; None where there is no pool."""
    described = pool.describe(target)
    if described is None:
        return None
    pool_id, email = described["Id"], MAILBOX.format(handle=handle)
    username = email if "email" in described.get("UsernameAttributes", []) else handle
    user = aws.find(target, "cognito-idp", "admin_get_user", "UserNotFoundException", UserPoolId=pool_id, Username=username)
    attributes = attributes_of(user["UserAttributes"]) if user else {}
    _require_own(handle, attributes)
    clients = aws.pages(target, "cognito-idp", "list_user_pool_clients", UserPoolId=pool_id)
    made = tuple(client["ClientId"] for client in clients if client["ClientName"] == client_name(target))
    since = int(user["UserCreateDate"].timestamp()) * 1000 if user else 0
    return Found(pool_id, handle, email, username, attributes, since, made)


def _row(target: Target, handle: str) -> Mapping[str, Any]:
    """The row of the handle; empty where there is none."""
    rows = statements.rows(target, "users/by_handle", handle=handle)
    found = rows[0] if rows else {}
    _require_own(handle, found)
    return found


def _require_own(handle: str, found: Mapping[str, Any]) -> None:
    """Leave everybody alone who has another email than a smoke test gives."""
    if found and found.get("email", "").lower() != MAILBOX.format(handle=handle).lower():
        raise InUse(f"@{handle} is a user of the application: try another handle")


def _sign_up(target: Target, found: Found, run: str) -> None:
    """Sign the user up as the application does, with a password that nobody will type."""
    cognito = aws.client(target, "cognito-idp")
    client = cognito.create_user_pool_client(UserPoolId=found.pool_id, ClientName=client_name(target))["UserPoolClient"][
        "ClientId"
    ]
    try:
        attributes = {"email": found.email, "name": NAME, "preferred_username": found.handle, RUN: run}
        given = [{"Name": name, "Value": value} for name, value in attributes.items()]
        password = f"{secrets.token_urlsafe(32)}aA1!"  # every kind of character that a pool may ask for
        with _done_before(SIGNED_UP_CODE):
            cognito.sign_up(ClientId=client, Username=found.username, Password=password, UserAttributes=given)
    finally:
        with _done_before(DELETED_CODE):
            cognito.delete_user_pool_client(UserPoolId=found.pool_id, ClientId=client)


@contextmanager
def _done_before(code: str) -> Iterator[None]:
    """Take this refusal for the answer, where that was lost and the call repeated."""
    from botocore.exceptions import ClientError

    try:
        yield
    except ClientError as error:
        if not (aws.uncertain(error) and aws.error_code(error) == code):
            raise


def _confirm(target: Target, found: Found) -> None:
    """Confirm the user, upon which Cognito calls the function, and waits for it."""
    from botocore.exceptions import ClientError

    cognito = aws.client(target, "cognito-idp")
    try:
        with progress.waiting("Cognito calls the function"), _done_before(CONFIRMED_CODE):  # up to three times, for 5 seconds
            cognito.admin_confirm_sign_up(UserPoolId=found.pool_id, Username=found.username)
    except ClientError as error:
        if aws.error_code(error) not in TRIGGER_CODES:
            raise
        said = f"{aws.error_code(error)}: {error.response['Error'].get('Message', '').rstrip('.')}"
        raise NotVerified(f"the user is confirmed and has no row ({said}): {_remedy(target)}") from error


def _remedy(target: Target) -> str:
    """What differs from the deployment as it is wanted, since that is why; else where the function says why."""
    missing = [str(change) for change in deployment.plan(target).mutating]
    if missing:
        return f"missing: {'; '.join(missing)}: apply the plans of 05_post_confirmation_lambda"
    return f"see why with `cruddur-ops db diagnose --function` and `aws logs tail {names.log_group(target)}`, then repeat"
