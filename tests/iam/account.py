"""An account whose sandbox enforces IAM, and a user of it who has the policy of a notebook."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from cruddur_ops import aws, iam, load_target
from rds_sandbox import Sandbox

USER = "operator"
SENTENCE = re.compile(r"AWS denies ([\w-]+:\w+)(?: on (\S+))?")


@dataclass
class Account:
    """A sandbox that enforces IAM, with a user who has one policy.

    Attributes:
        sandbox: with the keys of its owner.
        variables: those of the user.
    """

    sandbox: Sandbox
    variables: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make the user."""
        own = self.sandbox.client("iam")
        own.create_user(UserName=USER)
        key = own.create_access_key(UserName=USER)["AccessKey"]
        keys = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
        self.variables = {**self.sandbox.environment, **keys}
        self.sandbox.enforce_iam()

    def allow(self, documents: Iterable[Any]) -> None:
        """Let the user do this, and nothing else."""
        own = self.sandbox.client("iam")
        for name in own.list_user_policies(UserName=USER)["PolicyNames"]:
            own.delete_user_policy(UserName=USER, PolicyName=name)
        for number, document in enumerate(documents):
            own.put_user_policy(UserName=USER, PolicyName=str(number), PolicyDocument=json.dumps(document))

    @contextmanager
    def acting(self) -> Iterator[None]:
        """As the user, in this process."""
        self.variables["RDS_SANDBOX_CHECKIP_URL"] = self.sandbox.environment["RDS_SANDBOX_CHECKIP_URL"]
        with patch.dict(os.environ, self.variables):
            aws.forget()
            yield
        aws.forget()


def of(notebook: str, actions: set[str] | None = None) -> list[Any]:
    """The policy of a notebook; of these actions of it alone."""
    documents = iam.policy(load_target("local"), [notebook])
    for document in documents if actions is not None else ():
        for one in document["Statement"]:
            one["Action"] = [each for each in one["Action"] if each in (actions or ())]
        document["Statement"] = [one for one in document["Statement"] if one["Action"]]
    return [document for document in documents if document["Statement"]]
