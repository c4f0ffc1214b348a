"""What RDS refuses of the master user's name and password, and of the name of the database; pure functions.

Source: RDS API Reference, CreateDBInstance: MasterUsername, MasterUserPassword, DBName.
"""

import re
from collections.abc import Mapping
from typing import Any

from moto.rds.exceptions import InvalidParameterCombination, InvalidParameterValue

from rds_sandbox.rds import facts
from rds_sandbox.tables import limits

Parameters = Mapping[str, Any]

_LIMITS = limits("rds")


def check_master_user(parameters: Parameters) -> None:
    """Check the name and the password of a new instance's master user."""
    name = parameters.get("MasterUsername")
    check_name("MasterUsername", name, facts.reserved("usernames"))
    if name and name.lower().startswith("pg_"):
        rule = 'because role names starting with "pg_" are reserved by the PostgreSQL engine'
        raise InvalidParameterValue(f"MasterUsername {name} cannot be used {rule}")
    password, managed = parameters.get("MasterUserPassword"), parameters.get("ManageMasterUserPassword")
    _check_one_password(password, bool(managed))
    if not managed:
        check_present("MasterUserPassword", password)


def check_password_change(parameters: Parameters, managed: bool) -> None:
    """Check the password settings of ModifyDBInstance; `managed` says whether Secrets Manager keeps it now."""
    password, manage = parameters.get("MasterUserPassword"), parameters.get("ManageMasterUserPassword")
    _check_one_password(password, managed if manage is None else manage)
    if managed and "MasterUserSecretKmsKeyId" in parameters:
        raise InvalidParameterCombination("You can't change the KMS key of a secret that RDS manages already.")
    if managed and manage is False and password is None:
        raise InvalidParameterCombination("MasterUserPassword must be provided when ManageMasterUserPassword is set to false.")


def _check_one_password(password: str | None, managed: bool) -> None:
    if password is None:
        return
    if managed:
        raise InvalidParameterCombination("You can't specify MasterUserPassword when ManageMasterUserPassword is turned on.")
    fault = "The parameter MasterUserPassword is not a valid password"
    least, most = _LIMITS["password_characters"]
    if not least <= len(password) <= most:
        length = f"shorter than {least}" if len(password) < least else f"longer than {most}"
        raise InvalidParameterValue(f"{fault} because it is {length} characters.")
    if not re.fullmatch(r"[!-~]+", password) or set(password) & set('/@"'):
        raise InvalidParameterValue(f"{fault}. Only printable ASCII characters besides '/', '@', '\"', ' ' may be used.")


def check_name(parameter: str, name: str | None, reserved: frozenset[str]) -> None:
    """Check a name of the master user or the database: 1 to 63, a letter first, not a reserved word."""
    check_present(parameter, name)
    if name and not re.fullmatch(_LIMITS["name"], name):
        raise InvalidParameterValue(f"{parameter} must begin with a letter and contain only alphanumeric characters.")
    if name and name.lower() in reserved:
        raise InvalidParameterValue(f"{parameter} {name} cannot be used as it is a reserved word used by the engine")


def check_present(name: str, value: str | None) -> None:
    """Check that a parameter is there, and not blank."""
    if not value:
        raise InvalidParameterValue(f"The parameter {name} must be provided and must not be blank.")
