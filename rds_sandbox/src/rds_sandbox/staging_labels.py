"""The staging labels of a secret's versions: each belongs to one version, and moves.

Source: Secrets Manager API Reference, PutSecretValue (VersionStages), UpdateSecretVersionStage (RemoveFromVersionId and
MoveToVersionId), GetSecretValue (VersionStage), DescribeSecret (VersionIdsToStages).
"""

import threading
from collections.abc import Iterable, Mapping
from typing import Any

from moto.secretsmanager.exceptions import InvalidParameterException
from moto.secretsmanager.models import FakeSecret

from rds_sandbox.patches import replaces

CURRENT, PREVIOUS = "AWSCURRENT", "AWSPREVIOUS"
Labels = Mapping[str, list[str]]  # of each version, by its id
_turn = threading.Lock()


def holder(labels: Labels, label: str) -> str:
    """The version that has the label; empty where none has."""
    return next((version for version, its in labels.items() if label in its), "")


def moved(labels: Labels, label: str, to: str) -> Labels:
    """The labels once one has gone to a version, or away where that is empty; what AWSCURRENT leaves becomes AWSPREVIOUS."""
    left = holder(labels, label)
    if left == to:
        return labels
    found = {version: [each for each in its if each != label] for version, its in labels.items()}
    if to:
        found[to].append(label)
    return moved(found, PREVIOUS, left) if label == CURRENT and left else found


def check_move(labels: Labels, label: str, source: str, to: str) -> None:
    """Refuse a move from and to versions that there are not, or from where the label is not; AWSCURRENT only moves."""
    if not (source or to):
        raise InvalidParameterException("You must specify MoveToVersionId, RemoveFromVersionId, or both.")
    there = holder(labels, label)
    for version in (source, to):
        if version and version not in labels:
            raise InvalidParameterException(f"Not a valid version: {version}")
    if source and source != there:
        raise InvalidParameterException(f"The staging label {label} is not attached to version {source}.")
    if to and there not in ("", to) and not source:
        missing = "The parameter RemoveFromVersionId can't be empty."
        advice = "so you must explicitly reference that version in RemoveFromVersionId"
        raise InvalidParameterException(f"{missing} Staging label {label} is currently attached to version {there}, {advice}.")
    if label == CURRENT and not to:
        rule = "to a different secret version. It can't be completely removed"
        raise InvalidParameterException(f"You can only move staging label {CURRENT} {rule}.")


def of(secret: Any) -> Labels:
    """Those of a secret's versions."""
    return {version: its["version_stages"] for version, its in list(secret.versions.items())}


def move(secret: Any, labels: Iterable[str], to: str) -> None:
    """Let the version have the labels, and no other one."""
    with _turn:
        _label(secret, secret.versions, labels, to)


@replaces(FakeSecret, "reset_default_version")
def add(secret: Any, version: Mapping[str, Any], version_id: str) -> None:
    """A version with the labels that it brings."""
    with _turn:
        _label(secret, {**secret.versions, version_id: {**version, "version_stages": []}}, version["version_stages"], version_id)


def remove(secret: Any, version_id: str) -> None:
    """Forget a version, whatever its labels."""
    with _turn:
        secret.versions = {version: its for version, its in secret.versions.items() if version != version_id}


def _label(secret: Any, versions: Mapping[str, Any], labels: Iterable[str], to: str) -> None:
    """All at once: whoever reads meanwhile finds a current version."""
    found: Labels = {version: its["version_stages"] for version, its in versions.items()}
    for each in labels:
        found = moved(found, each, to)
    secret.versions = {version: {**versions[version], "version_stages": its} for version, its in found.items()}


@replaces(FakeSecret, "_form_version_ids_to_stages")
def labelled(secret: Any) -> Labels:
    return {version: its for version, its in of(secret).items() if its}


# moto keeps the version that was current last; where none is given, the one that has the label is meant.
replaces(FakeSecret, "default_version_id")(property(lambda secret: holder(of(secret), CURRENT) or None, lambda *_: None))
