"""AWS's managed policies, which moto would read and build anew, 1,582 of them, whenever IAM is emptied, for each partition."""

from __future__ import annotations

import copy
import functools
from types import SimpleNamespace
from typing import Any

from moto.iam.models import AWSManagedPolicy, IAMBackend
from moto.utilities.utils import get_partition

from rds_sandbox.patches import replaces

_read = IAMBackend._init_aws_policies


@functools.cache
def _all() -> list[Any]:
    """As moto makes them for one partition; whatever changes them changes a copy."""
    first: Any = SimpleNamespace(account_id="123456789012", region_name="aws")
    return list(_read(first))


@replaces(IAMBackend, "_init_aws_policies")
def managed_policies(backend: Any) -> list[AWSManagedPolicy]:
    """Copies for an account and a partition, with versions and attachments of their own."""
    copies = [copy.copy(each) for each in _all()]
    for each in copies:
        each.account_id, each.partition = backend.account_id, get_partition(backend.region_name)
        each.versions = list(each.versions)
    return copies
