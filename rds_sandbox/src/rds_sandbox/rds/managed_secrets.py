"""The master user's password where Secrets Manager keeps it."""

from __future__ import annotations

import json
import secrets

from moto.rds import models

from rds_sandbox.patches import replaces


@replaces(models, "MasterUserSecret")
class GeneratedSecret(models.MasterUserSecret):
    """The managed secret of a master user, with a password of its own and the right name."""

    status = "creating"  # until the server has the password

    @property
    def secret_status(self) -> str:
        """moto's changes when it is looked at."""
        return self.status

    def _generate_secret_string(self) -> str:
        return json.dumps({"username": self.resource.master_username, "password": secrets.token_urlsafe(24)})

    def rotate_secret(self) -> None:
        """Put a new password in place at once; the instance hands it to the server."""
        self.secretsmanager.put_secret_value(self.secret.arn, self._generate_secret_string(), "", "", ["AWSCURRENT"])


def password(secret: models.MasterUserSecret) -> str:
    """The password that the secret has at this moment."""
    found = secret.secretsmanager.get_secret_value(secret.secret_arn, "", "AWSCURRENT")
    return str(json.loads(found["SecretString"])["password"])
