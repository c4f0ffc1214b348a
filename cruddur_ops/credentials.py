"""Passwords in AWS Secrets Manager, in the form that RDS gives to its own.

A plan says what becomes of a secret, never its value: that is made, or read, in the moment of the call. A secret that is
scheduled for deletion cannot be read, and its name is taken: here it neither counts as there, nor as absent.

Reading raises AccessDenied where the caller may not, and WrongInput for what holds no JSON with a password.
Source: AWS Secrets Manager User Guide, "JSON structure of AWS Secrets Manager database credential secrets".
"""

import json
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from cruddur_ops import aws, tags
from cruddur_ops.calls import Call
from cruddur_ops.change import Action, Change, removal
from cruddur_ops.errors import InstanceNotReady, WrongInput
from cruddur_ops.target import Target

ABSENT_CODE = "ResourceNotFoundException"  # of the secret, and of a value that was never put
# What reading a secret answers that is scheduled for deletion, and making one whose name such a one has still.
SCHEDULED_CODE, NAME_SECONDS = "InvalidRequestException", 60.0
WINDOW_DAYS = 30  # in which a protected target's secret can be restored, and costs nothing
REPLICATED = "has replicas in other regions, and stays: delete those first, if nobody needs them"
BYTES = 32
KEPT = ("dbname", "password")  # members that stay as they are
PRICE = "0.40 USD a month"
Members = Mapping[str, Any]


@dataclass(frozen=True)
class Secret:
    """A secret as it was found; its value is read apart."""

    name: str  # such as "cruddur-db-instance/cruddur_app"
    arn: str = ""  # empty where there is none
    kms_key: str = ""  # what encrypts it, as AWS names it; empty for the account's own key
    scheduled: bool = False  # whether it is scheduled for deletion
    # Whether other regions have replicas of it, and so it cannot be deleted (API Reference, DeleteSecret)
    replicated: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)  # whose it is

    @property
    def usable(self) -> bool:
        """Whether it is there to be read and written."""
        return bool(self.arn) and not self.scheduled

    def __str__(self) -> str:
        """What an operator wants to know where nothing could be read."""
        state = "is scheduled for deletion" if self.scheduled else "has no value" if self.arn else "does not exist"
        return f"the secret {self.name} {state}"


def find(target: Target, name: str) -> Secret:
    """A secret by its name or ARN."""
    found = aws.find(target, "secretsmanager", "describe_secret", ABSENT_CODE, SecretId=name)
    if found is None:
        return Secret(name)
    return described(found)


def described(item: Mapping[str, Any]) -> Secret:
    """From what DescribeSecret answers, or an item of ListSecrets."""
    labels, scheduled = tags.as_mapping(item.get("Tags", [])), bool(item.get("DeletedDate"))
    return Secret(item["Name"], item["ARN"], item.get("KmsKeyId", ""), scheduled, bool(item.get("ReplicationStatus")), labels)


def read(target: Target, name: str) -> dict[str, Any]:
    """The members of a secret, by its name or ARN; empty where there is none, or none that can be read."""
    answer = aws.find(target, "secretsmanager", "get_secret_value", ABSENT_CODE, SCHEDULED_CODE, SecretId=name)
    if answer is None:
        return {}
    try:
        found: dict[str, Any] = json.loads(answer.get("SecretString", ""))
        password = found["password"]
    except (ValueError, TypeError, KeyError):
        password = ""
    if not password:
        raise WrongInput(f"the secret {name} holds no JSON with a password: put its username and password in")
    return found


def require(target: Target, name: str, remedy: str) -> dict[str, Any]:
    """The members of a secret that must be there; InstanceNotReady, with the remedy, where they are not."""
    found = read(target, name)
    if not found:
        raise InstanceNotReady(f"{find(target, name)}: {remedy}")
    return found


def changes(target: Target, name: str, wanted: Callable[[], Members], description: str = "") -> tuple[Change, ...]:
    """What there is to do so that a secret has these members, and a password: that which it has, else a new one.

    Args:
        wanted: gives its other members; asked once more when the change is made.
    """
    secret, change = find(target, name), Change(Action.MODIFY, f"secret {name}", settle=partial(_settle, target, name, wanted))
    put = Call("secretsmanager", "put_secret_value", {"SecretId": name}, fill=lambda: _filled(target, name, wanted))
    if not secret.arn:
        return (replace(change, action=Action.CREATE, note=PRICE, calls=(_creation(target, name, wanted, description),)),)
    claim = _claim(target, secret)
    if secret.scheduled:
        restore = Call("secretsmanager", "restore_secret", {"SecretId": name})
        return (*claim, replace(change, setting="deletion", before="scheduled", after="called off", calls=(restore, put)))
    found = read(target, name)
    if not found:
        return (*claim, replace(change, setting="value", after="made now", calls=(put,)))
    if _merged(wanted(), found) != found:
        return (*claim, replace(change, setting="endpoint", after="that of the DB instance", calls=(put,)))
    return claim or (Change(Action.NONE, change.resource),)


def _settle(target: Target, name: str, wanted: Callable[[], Members]) -> None:
    """Refuse as long as the secret is read as before."""
    found = read(target, name)
    if not found or _merged(wanted(), found) != found:
        raise InstanceNotReady(f"the secret {name} cannot be read yet: wait a minute, then repeat")


def _claim(target: Target, secret: Secret) -> tuple[Change, ...]:
    """Say of an earlier version's secret for which instance it is; refuse somebody else's."""
    if not tags.unclaimed(secret.tags):
        tags.require_ours(target, secret.tags, f"secret {secret.name}")
        return ()
    name = target.db_instance_identifier
    call = Call("secretsmanager", "tag_resource", {"SecretId": secret.arn, "Tags": tags.as_list({tags.INSTANCE: name})})
    return (Change(Action.MODIFY, f"secret {secret.name}", f"tag {tags.INSTANCE}", after=name, calls=(call,)),)


def deletions(target: Target, found: Iterable[Secret]) -> Iterator[Change]:
    """A change for each secret of the target's that is to go: without its instance a password is worth nothing.

    A protected target's can be restored for some time; others go for good.
    """
    how = {"RecoveryWindowInDays": WINDOW_DAYS} if target.protected else {"ForceDeleteWithoutRecovery": True}
    note = f"can be restored for {WINDOW_DAYS} days" if target.protected else "for good"
    for secret in found:
        if secret.usable and tags.ours(target, secret.tags):
            call = Call("secretsmanager", "delete_secret", {"SecretId": secret.arn, **how})
            yield removal(f"secret {secret.name}", call, note=note, kept=REPLICATED if secret.replicated else "")


def _creation(target: Target, name: str, wanted: Callable[[], Members], description: str) -> Call:
    parameters = {"Name": name, "Tags": tags.as_list(tags.of(target))} | ({"Description": description} if description else {})
    fill = partial(_filled, target, name, wanted)
    return Call("secretsmanager", "create_secret", parameters, fill, SCHEDULED_CODE, NAME_SECONDS)


def _filled(target: Target, name: str, wanted: Callable[[], Members]) -> dict[str, str]:
    return {"SecretString": json.dumps(_merged(wanted(), {"password": secrets.token_urlsafe(BYTES), **read(target, name)}))}


def _merged(wanted: Members, found: Members) -> dict[str, Any]:
    """The members as they should be; a password that is there, and the database that it was made for, stay."""
    return {**wanted, **{member: found[member] for member in KEPT if member in found}}
