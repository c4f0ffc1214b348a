"""Who may sign in, and how, before moto makes the tokens; and the users whom an administrator makes.

Source: Amazon Cognito user pools API Reference (InitiateAuth, AdminInitiateAuth, AdminCreateUser, CreateUserPoolClient:
ExplicitAuthFlows; UpdateUserPoolClient).
"""

import base64
import hashlib
import hmac
import secrets
from typing import Any

from moto.cognitoidp import models
from moto.cognitoidp.exceptions import (
    InvalidParameterException,
    NotAuthorizedError,
    ResourceNotFoundError,
    UserNotConfirmedException,
    UserNotFoundError,
)
from moto.cognitoidp.models import UserStatus
from moto.core.exceptions import JsonRESTError
from moto.core.utils import utcnow

from rds_sandbox.cognito import triggers
from rds_sandbox.cognito.pools import SandboxUserPool, pool_of
from rds_sandbox.errors import NotInSandbox
from rds_sandbox.patches import MOTO, Request, action, replaces
from rds_sandbox.tables import limits

FLOWS = limits("cognito-idp")["flows"]
WRONG = "Incorrect username or password."


@replaces(models, "CognitoIdpUserPoolClient")
class SandboxUserPoolClient(models.CognitoIdpUserPoolClient):
    """An app client that knows when it was made and changed."""

    def __init__(self, user_pool_id: str, generate_secret: bool, extended_config: dict[str, Any] | None) -> None:
        """What is not given has its default."""
        super().__init__(user_pool_id, generate_secret, extended_config)
        self.extended_config |= {"CreationDate": utcnow(), "LastModifiedDate": utcnow()}


@replaces(models.CognitoIdpBackend, "update_user_pool_client")
def update_client(backend: Any, user_pool_id: str, client_id: str, extended_config: dict[str, Any]) -> Any:
    """What is not repeated goes back to its default."""
    client = backend.describe_user_pool_client(user_pool_id, client_id)
    fresh = SandboxUserPoolClient(user_pool_id, client.generate_secret, {"ClientName": client.extended_config["ClientName"]})
    created = client.extended_config["CreationDate"]
    client.extended_config = {**fresh.extended_config, **extended_config, "CreationDate": created}
    return client


def check_secret(client: Any, username: str, given: str) -> None:
    """Refuse a hash that the app client's secret does not make, where it has one."""
    if client.generate_secret:
        digest = hmac.new(client.secret.encode(), f"{username}{client.id}".encode(), hashlib.sha256).digest()
        if not secrets.compare_digest(base64.b64encode(digest), given.encode()):
            raise NotAuthorizedError(f"Unable to verify secret hash for client {client.id}")


@action("cognito-idp", "AdminInitiateAuth", "InitiateAuth")
def check_sign_in(request: Request) -> object:
    """The flow is the client's, the hash right, the password too, and the user in a state to sign in."""
    pool = pool_of(request)
    triggers.refuse_others(request.name, pool)
    flow, given = request.parameters["AuthFlow"], request.parameters.get("AuthParameters", {})
    client = pool.clients.get(request.parameters["ClientId"])
    if client is None:
        raise ResourceNotFoundError(f"User pool client {request.parameters['ClientId']} does not exist.")
    _check_flow(client, flow)
    if flow.startswith("REFRESH_TOKEN"):
        if given.get("REFRESH_TOKEN") not in pool.refresh_tokens:
            raise NotAuthorizedError("Invalid Refresh Token")
        return MOTO
    if "USERNAME" not in given:
        raise InvalidParameterException("Missing required parameter USERNAME")
    check_secret(client, given["USERNAME"], given.get("SECRET_HASH", ""))
    _check_user(pool, client, given)
    return MOTO


def _check_flow(client: Any, flow: str) -> None:
    if flow in FLOWS["lacking"]:
        raise NotInSandbox(f"the flow {flow} is not in the sandbox")
    allowed = client.extended_config.get("ExplicitAuthFlows") or FLOWS["default"]
    if not {*allowed} & {*FLOWS["allowed_by"].get(flow, allowed)}:
        raise InvalidParameterException(f"{'Auth' if flow.startswith('ADMIN') else flow} flow not enabled for this client")


def _check_user(pool: SandboxUserPool, client: Any, given: dict[str, str]) -> None:
    """Whether there is one, whose password this is, and who may sign in."""
    user = pool._get_user(given["USERNAME"])
    if user is None and client.extended_config.get("PreventUserExistenceErrors") != "ENABLED":
        raise UserNotFoundError("User does not exist.")
    if user is None or (user.enabled and "PASSWORD" in given and user.password != given["PASSWORD"]):
        raise NotAuthorizedError(WRONG)
    if user.status is UserStatus.UNCONFIRMED:
        raise UserNotConfirmedException("User is not confirmed.")
    if user.status is UserStatus.RESET_REQUIRED:
        raise JsonRESTError("PasswordResetRequiredException", "Password reset required for the user")


@action("cognito-idp", "AdminCreateUser")
def create_user(request: Request) -> object:
    """With a password and attributes that the pool takes; RESEND leaves the user as it is."""
    asked, pool = request.parameters, pool_of(request)
    triggers.refuse_others(request.name, pool)
    if asked.get("MessageAction") == "RESEND":
        user = request.backend.admin_get_user(pool.id, asked["Username"])
        if user.status is not UserStatus.FORCE_CHANGE_PASSWORD:
            raise JsonRESTError("UnsupportedUserStateException", "Resend not possible. status is not FORCE_CHANGE_PASSWORD")
        return {"User": user.to_json(extended=True)}
    if asked.get("TemporaryPassword"):
        pool.check_password(asked["TemporaryPassword"])
    pool.check_known({each["Name"] for each in asked.get("UserAttributes", [])})
    return MOTO
