"""The master user's password where Secrets Manager keeps it."""

import json
import re
import secrets
import time
from collections.abc import Mapping
from typing import Any

from moto.rds import models

from rds_sandbox.patches import replaces
from rds_sandbox.tables import limits

ROTATION_DAYS = limits("rds")["rotation_days"]
SECONDS = {"day": 86_400, "hour": 3_600}


@replaces(models, "MasterUserSecret")
class GeneratedSecret(models.MasterUserSecret):
    """The managed secret of a master user, which nobody but RDS changes, with a password of its own.

    Source: RDS User Guide, "Password management with Amazon RDS and AWS Secrets Manager".
    """

    status = "creating"  # until the server has the password
    secret_status = property(lambda self: self.status)  # moto's changes when it is looked at
    version = ""  # the id of the next one, where RotateSecret has told it

    def _create_secret(self, kms_key_id: str | None) -> Any:
        secret: Any = super()._create_secret(kms_key_id)
        secret.rotation_requested = secret.rotation_enabled = True
        schedule(secret, {"AutomaticallyAfterDays": ROTATION_DAYS})
        return secret

    def _generate_secret_description(self) -> str:
        return f"Secret associated with primary RDS DB instance: {self.resource.arn}"

    def _generate_secret_tags(self) -> list[dict[str, str]]:
        return [{"Key": "aws:rds:primaryDBInstanceArn", "Value": self.resource.arn}]

    def _generate_secret_string(self) -> str:
        return json.dumps({"username": self.resource.master_username, "password": secrets.token_urlsafe(24)})

    def rotate_secret(self) -> None:
        """Put a new password in place at once; the instance hands it to the server."""
        secret: Any = self.secret
        self.secretsmanager.put_secret_value(secret.arn, self._generate_secret_string(), "", self.version, ["AWSCURRENT"])
        self.version, secret.last_rotation_date = "", round(time.time(), 3)
        schedule(secret, secret.rules)


def schedule(secret: Any, rules: Mapping[str, Any]) -> None:
    """Let the secret have these rules, and the date of its next rotation by them, which nobody keeps."""
    secret.rules, secret.next_rotation_date = rules, next_rotation(rules, int(time.time()))


def next_rotation(rules: Mapping[str, Any], now: int) -> int | None:
    """When the rules, days or an expression of rate() or cron(), have it next, in seconds since 1970; None by a calendar."""
    if "ScheduleExpression" not in rules:
        return now + int(rules["AutomaticallyAfterDays"]) * SECONDS["day"]
    found = re.fullmatch(limits("secretsmanager")["rate"], rules["ScheduleExpression"])
    return now + int(found[1]) * SECONDS[found[2]] if found else None


def begin(instance: Any, key: str | None) -> None:
    """Let Secrets Manager keep the password of an instance from now on."""
    instance.master_user_secret, instance.manage_master_user_password = GeneratedSecret(instance, key), True


def end(instance: Any) -> None:
    """Delete the secret: the instance has a password of its own."""
    if instance.manage_master_user_password:
        instance.master_user_secret.delete_secret()
        del instance.master_user_secret
    instance.manage_master_user_password = False


def password(secret: models.MasterUserSecret) -> str:
    """The password that the secret has at this moment."""
    found = secret.secretsmanager.get_secret_value(secret.secret_arn, "", "AWSCURRENT")
    return str(json.loads(found["SecretString"])["password"])
