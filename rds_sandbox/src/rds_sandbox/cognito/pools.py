"""A user pool: moto's, with the schema, the password policy and the sign-in names that Cognito has, and the codes it sends.

Source: Amazon Cognito user pools API Reference (CreateUserPool, UpdateUserPool, SignUp, ConfirmSignUp), Developer Guide,
"Updating user pool and app client configuration" (what cannot be changed) and "Customizing sign-in attributes".
"""

import re
import secrets
import string
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from moto.cognitoidp import models
from moto.cognitoidp.exceptions import (
    CodeMismatchException,
    ExpiredCodeException,
    InvalidParameterException,
    ResourceNotFoundError,
)
from moto.core.exceptions import JsonRESTError
from moto.core.resource_tagging import TaggableResourcesMixin, TaggedResource
from moto.core.utils import utcnow

from rds_sandbox.patches import Request, backend_of, replaces
from rds_sandbox.tables import limits

LIMITS = limits("cognito-idp")
CHARACTERS = {
    "RequireUppercase": (r"[A-Z]", "uppercase"),
    "RequireLowercase": (r"[a-z]", "lowercase"),
    "RequireNumbers": (r"[0-9]", "numeric"),
    "RequireSymbols": (r"[\^$*.\[\]{}()?\"!@#%&/\\,><':;|_~`=+\- ]", "symbol"),
}
LETTERS, ID_LENGTH = string.ascii_letters + string.digits, 9  # of a pool's id, after its region
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


@dataclass(frozen=True)
class Code:
    """Six digits, the attribute that they were sent to, and until when they count (time.monotonic)."""

    digits: str
    attribute: str
    expires: float


@backend_of(models.cognitoidp_backends)
class SandboxCognitoBackend(models.CognitoIdpBackend, TaggableResourcesMixin):
    """Cognito whose user pools the Resource Groups Tagging API finds."""

    SERVICE_NAMESPACE = "cognito-idp"

    def iter_tagged_resources(self) -> Iterator[TaggedResource]:
        """The pools with their tags."""
        for pool in list(self.user_pools.values()):
            yield TaggedResource(pool.arn, dict(pool.extended_config.get("UserPoolTags", {})), "cognito-idp:userpool")


@replaces(models, "CognitoIdpUserPool")
class SandboxUserPool(models.CognitoIdpUserPool):
    """A user pool that knows its standard attributes, and the codes that it has sent."""

    def __init__(self, account_id: str, region: str, name: str, extended_config: dict[str, Any]) -> None:
        """Standard attributes that the schema does not mention are in it all the same."""
        self.codes: dict[tuple[str, str], Code] = {}
        given = extended_config.get("Schema", [])
        named = {attribute["Name"] for attribute in given}
        standard = models.CognitoIdpUserPoolAttribute.STANDARD_SCHEMA.items()
        schema = [{"Name": key, **value} for key, value in standard if key not in named]
        super().__init__(account_id, region, name, {**extended_config, "Schema": [*schema, *given]})
        before, self.id = self.id, f"{region}_{''.join(secrets.choice(LETTERS) for _ in range(ID_LENGTH))}"
        self.arn = self.arn.replace(before, self.id)

    def update_extended_config(self, extended_config: dict[str, Any]) -> None:
        """What is not repeated goes back to its default, but for what cannot be changed."""
        before = getattr(self, "extended_config", {})
        kept = {key: before[key] for key in LIMITS["kept"] if key in before}
        policy = extended_config.get("Policies", {}).get("PasswordPolicy")
        policies = {"Policies": {"PasswordPolicy": {**LIMITS["password_policy"], **policy}}} if policy else {}
        super().update_extended_config({**LIMITS["defaults"], **kept, **extended_config, **policies})
        self.mfa_config = self.extended_config["MfaConfiguration"]
        self.name = extended_config.get("PoolName") or self.name
        self.last_modified_date = utcnow()

    def _get_user(self, username: str) -> Any:
        """The user of this name, or with this value of an attribute that the pool takes for one."""
        same = [user for user in self.users.values() if self._folded(username) in map(self._folded, self._names(user))]
        return same[0] if same else None

    def _names(self, user: Any) -> Iterator[str]:
        """All that the user can sign in with; an alias counts once it is verified."""
        yield user.username
        attributes = user.attribute_lookup
        for name in self.extended_config.get("UsernameAttributes", ()):
            yield attributes.get(name, user.username)
        for name in self.extended_config.get("AliasAttributes", ()):
            if name == "preferred_username" or is_verified(attributes, name):
                yield attributes.get(name, user.username)

    def _folded(self, name: str) -> str:
        sensitive = self.extended_config.get("UsernameConfiguration", {}).get("CaseSensitive", True)
        return name if sensitive else name.lower()

    def send_code(self, user: Any, purpose: str, attribute: str) -> dict[str, Any]:
        """A new code, which the one before gives way to, to "email" or "phone_number"; the answer has the CodeDeliveryDetails."""
        digits, expires = f"{secrets.randbelow(10**6):06}", time.monotonic() + LIMITS["code_seconds"][purpose]
        self.codes[user.id, purpose] = Code(digits, attribute, expires)
        medium, to = {"email": "EMAIL", "phone_number": "SMS"}[attribute], masked(user.attribute_lookup[attribute])
        return {"CodeDeliveryDetails": {"AttributeName": attribute, "DeliveryMedium": medium, "Destination": to}}

    def use_code(self, user: Any, purpose: str, digits: str) -> str:
        """Check a code, which counts once; the answer is the attribute that it verifies."""
        code = self.codes.get((user.id, purpose))
        if code is None or code.expires < time.monotonic():
            raise ExpiredCodeException("Invalid code provided, please request a code again.")
        if not secrets.compare_digest(code.digits.encode(), digits.encode()):
            raise CodeMismatchException("Invalid verification code provided, please try again.")
        del self.codes[user.id, purpose]
        return code.attribute

    def waiting_codes(self) -> Iterator[dict[str, str]]:
        """The codes that still count, for the operator of the sandbox."""
        users = {user.id: user.username for user in self.users.values()}
        for (user_id, purpose), code in list(self.codes.items()):
            if user_id in users and code.expires > time.monotonic():
                yield {"UserPoolId": self.id, "Username": users[user_id], "Purpose": purpose, "Code": code.digits}

    def check_password(self, password: str) -> None:
        """The password policy."""
        policy = self.extended_config["Policies"]["PasswordPolicy"]
        if len(password) < policy["MinimumLength"]:
            raise _refused("Password not long enough")
        if len(password) > LIMITS["longest_password"]:
            raise _refused("Password is too long")
        for rule, (characters, name) in CHARACTERS.items():
            if policy[rule] and not re.search(characters, password):
                raise _refused(f"Password must have {name} characters")

    def check_attributes(self, attributes: Mapping[str, str]) -> None:
        """Whether a user may sign up with these."""
        required = [name for name, each in self.schema_attributes.items() if each.required and name != "sub"]
        missing = [f"{name}: The attribute is required" for name in required if not attributes.get(name)]
        self._refuse([*missing, *self._unknown(attributes)])
        if "email" in attributes and not EMAIL.fullmatch(attributes["email"]):
            raise InvalidParameterException("Invalid email address format.")

    def check_known(self, names: Iterable[str]) -> None:
        """Whether the schema has these attributes; an administrator may leave required ones out."""
        self._refuse(self._unknown(names))

    def _unknown(self, names: Iterable[str]) -> list[str]:
        return [f"{name}: Attribute does not exist in the schema." for name in names if name not in self.schema_attributes]

    def _refuse(self, problems: list[str]) -> None:
        if problems:
            lines = "".join(f"{problem}\n" for problem in problems)
            raise InvalidParameterException(f"Attributes did not conform to the schema: {lines}")


def masked(address: str) -> str:
    """What the answer shows of an email address or a telephone number."""
    name, at, domain = address.partition("@")
    return f"{name[:1]}***@{domain[:1]}***" if at else f"+*******{address[-4:]}"


def user_pools() -> list[SandboxUserPool]:
    """All user pools of all regions."""
    regions: list[Any] = [backend for account in models.cognitoidp_backends.values() for backend in account.values()]
    return [pool for backend in regions for pool in backend.user_pools.values()]


def pool_of(request: Request) -> SandboxUserPool:
    """The pool that the request is about; one that names an app client carries no signature, and so no region."""
    if "UserPoolId" in request.parameters:
        pool: SandboxUserPool = request.backend.describe_user_pool(request.parameters["UserPoolId"])
        return pool
    client_id = request.parameters["ClientId"]
    for each in user_pools():
        if client_id in each.clients:
            return each
    raise ResourceNotFoundError(f"User pool client {client_id} does not exist.")


def check_configuration(configuration: Mapping[str, Any]) -> None:
    """What Cognito refuses in CreateUserPool and UpdateUserPool, though DescribeUserPool answers it so."""
    old = configuration.get("AdminCreateUserConfig", {}).get("UnusedAccountValidityDays")
    new = configuration.get("Policies", {}).get("PasswordPolicy", {}).get("TemporaryPasswordValidityDays")
    if old is not None and new is not None:
        message = "Please use TemporaryPasswordValidityDays in PasswordPolicy instead of UnusedAccountValidityDays"
        raise InvalidParameterException(message)


def _refused(problem: str) -> JsonRESTError:
    return JsonRESTError("InvalidPasswordException", f"Password did not conform with policy: {problem}")


def is_verified(attributes: Mapping[str, str], name: str) -> bool:
    """Whether an address is; "True" says so too (moto's tests, verified on AWS)."""
    return attributes.get(f"{name}_verified", "").lower() == "true"
