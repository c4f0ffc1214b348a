"""What AWS Lambda runs once Cognito has confirmed a user: it writes the user's row, and answers with the event.

Cognito waits 5 seconds for the answer, and calls three times in all; an error that is raised here reaches whoever
confirmed, as UserLambdaValidationException with its message, and the user is confirmed all the same (Amazon Cognito
Developer Guide, "Post confirmation Lambda trigger" and "Customizing user pool workflows with Lambda triggers"). So the
row is written by idempotent statements, all waiting is short, and no error is swallowed.

In its zip this module stands alone: beside it lie its statements, the root certificates of the database, and psycopg. boto3
belongs to the runtime; it is imported before the first call, when Lambda gives a function more time and a whole processor.
What it raises is a PostConfirmationError: the user has no row, of the kind that the log names. No log line and no error
says who the user is: neither attributes nor the Cognito id, which stands for a person, too.
`cruddur-ops users sync` finds whoever is without a row.
"""

import functools
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
import psycopg
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

TRIGGER = "PostConfirmation_ConfirmSignUp"
ATTRIBUTES = {"cognito_user_id": "sub", "display_name": "name", "handle": "preferred_username", "email": "email"}
INSERT, UPDATE = "confirm.sql", "recognise.sql"
BESIDE = Path(__file__).parent
# Together they stay below Cognito's 5 seconds. A silent server is noticed by TCP (PostgreSQL 18, chapter 32.1.2). A call that was
# throttled or lost is made again: Cognito calls once more after silence alone, not after an error, and the user had no row.
SECRET_SECONDS, SECRET_ATTEMPTS = 1, 2
CONNECTION_OPTIONS: Mapping[str, Any] = {
    "sslmode": "verify-full",
    "sslrootcert": str(BESIDE / "root.pem"),
    "connect_timeout": 2,  # seconds; libpq takes less for this
    "tcp_user_timeout": 1000,  # milliseconds
    "options": "-c statement_timeout=1000",  # milliseconds
    "application_name": "post-confirmation",
}
SECRET_MEMBERS = {"host": "host", "port": "port", "dbname": "dbname", "username": "user", "password": "password"}


class PostConfirmationError(Exception):
    """The user has no row. The message is what the application shows to that user."""

    def __init__(self, kind: str, message: str, reason: str) -> None:
        """Keep also what an engineer reads in the log: of which kind it is, such as "HandleTaken", and why."""
        super().__init__(message)
        self.kind, self.reason = kind, reason


class Database:
    """One connection and the secret that it was made with, kept from one call to the next."""

    def __init__(self) -> None:
        """Nothing is asked before the first call."""
        self._connection: psycopg.Connection[Any] | None = None
        self._secret: dict[str, Any] = {}

    def fetch(self, name: str, parameters: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """Run a statement; once more where the kept connection turns out to be dead."""
        kept = self._connection
        try:
            return self._run(name, parameters)
        except psycopg.OperationalError:
            if kept is None or kept is not self._connection or not kept.closed:
                raise
            return self._run(name, parameters)

    def _run(self, name: str, parameters: Mapping[str, Any]) -> tuple[Any, ...] | None:
        if self._connection is None or self._connection.closed:
            self._connection = self._connect()
        return self._connection.execute(statement(name), parameters).fetchone()

    def _connect(self) -> psycopg.Connection[Any]:
        """Connect with the kept secret, or a fresh one where that has been rotated or moved meanwhile."""
        kept = self._secret
        self._secret = kept or read_secret()
        try:
            return connect(self._secret)
        except psycopg.OperationalError:
            if not kept or (fresh := read_secret()) == kept:
                raise
            self._secret = fresh
        return connect(self._secret)


DATABASE = Database()


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Lambda's entry point."""
    began = time.monotonic()
    if event.get("triggerSource") != TRIGGER:
        log(context, "INFO", "nothing to do", trigger=event.get("triggerSource"))
        return event
    try:
        outcome = write(event["request"]["userAttributes"])
    except PostConfirmationError as error:
        log(context, "ERROR", "the user has no row", error=error.kind, reason=error.reason)
        raise
    log(context, "INFO", f"row {outcome}", milliseconds=round((time.monotonic() - began) * 1000))
    return event


def write(attributes: Mapping[str, str]) -> str:
    """Write the row of a user with these attributes; it was "inserted" or "updated"."""
    user = values(attributes)
    try:
        row = DATABASE.fetch(INSERT, user) or DATABASE.fetch(UPDATE, user)
    except psycopg.errors.UniqueViolation as error:
        raise taken(error.diag.constraint_name or "") from None
    except psycopg.OperationalError as error:
        raise PostConfirmationError("DatabaseUnavailable", "please try again later", why(error)) from None
    except psycopg.Error as error:
        reason = f"{type(error).__name__} {error.sqlstate}"
        raise PostConfirmationError("RowRefused", "these attributes cannot be stored", reason) from None
    outcome = str(row[0]) if row else "handle taken"
    if "taken" in outcome:
        raise taken(outcome)
    return outcome


def values(attributes: Mapping[str, str]) -> dict[str, Any]:
    """The statements' parameters. Of the id that a row has already it is not known here whether that user is gone."""
    missing = [name for name in ATTRIBUTES.values() if not attributes.get(name, "").strip()]
    if missing:
        names = ", ".join(missing)
        raise PostConfirmationError("AttributeMissing", f"the user has no {names}", f"missing: {names}")
    given = {parameter: attributes[name].strip() for parameter, name in ATTRIBUTES.items()}
    return {**given, "email_verified": attributes.get("email_verified") == "true", "former": None}


def taken(constraint: str) -> PostConfirmationError:
    """The error of a unique constraint, whose DETAIL would tell the value."""
    if "email" in constraint:
        return PostConfirmationError("EmailTaken", "this email belongs to another account", constraint)
    return PostConfirmationError("HandleTaken", "this preferred_username is taken: choose another", constraint)


def why(error: psycopg.Error) -> str:
    """What libpq or the server said, in one line; a DETAIL, which may quote values, comes after the first."""
    said = str(error).partition("\n")[0]
    return f"{type(error).__name__}: {said}"


def connect(secret: Mapping[str, Any]) -> psycopg.Connection[Any]:
    """Open a connection, verified with the certificates beside this module; each statement is a transaction."""
    named = {keyword: secret[member] for member, keyword in SECRET_MEMBERS.items()}
    return psycopg.connect(**CONNECTION_OPTIONS, **named, autocommit=True)


def read_secret() -> dict[str, Any]:
    """The secret that SECRET_ARN names, in the form of RDS's secrets; boto3 takes the endpoint from the environment."""
    short = Config(connect_timeout=SECRET_SECONDS, read_timeout=SECRET_SECONDS, retries={"total_max_attempts": SECRET_ATTEMPTS})
    try:
        answer = boto3.client("secretsmanager", config=short).get_secret_value(SecretId=os.environ["SECRET_ARN"])
    except (BotoCoreError, ClientError) as error:
        code = getattr(error, "response", {}).get("Error", {}).get("Code", type(error).__name__)
        raise PostConfirmationError("SecretUnreadable", "please try again later", code) from None
    secret: dict[str, Any] = json.loads(answer["SecretString"])
    return secret


@functools.cache
def statement(name: str) -> bytes:
    """A file beside this module."""
    return (BESIDE / name).read_bytes()


def log(context: Any, level: str, message: str, **facts: Any) -> None:
    """One line of JSON."""
    request = getattr(context, "aws_request_id", "")
    print(json.dumps({"level": level, "message": message, "request": request, **facts}), flush=True)
