"""The policy for what notebooks do on a target: plain data in the form of IAM, from pure functions.

Sources: IAM User Guide, "IAM JSON policy element reference" and "IAM and AWS STS quotas"; Service Authorization Reference. Raises
WrongInput for a notebook that there is not, and where the target names no account.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from cruddur_ops import roles, targets
from cruddur_ops.cognito import names
from cruddur_ops.errors import WrongInput
from cruddur_ops.iam import resources
from cruddur_ops.iam.resources import MADE, Resource, role
from cruddur_ops.rds import schedule
from cruddur_ops.tags import MANAGED_BY
from cruddur_ops.target import Target

LONGEST = 6144  # characters of a managed policy, white space not counted
READING = ("Read", "List")
# What tells about others' resources too, so that one sees what would be in the way: no value of a secret, no log.
EVERYWHERE = (
    "rds:Describe", "ec2:Describe", "ec2:Get", "cloudwatch:Describe", "lambda:ListTags", "cognito-idp:DescribeUserPool",
    "iam:Simulate",
)  # fmt: skip
SANDBOX_ALONE = ("cognito-idp:CreateUserPool", "cognito-idp:DeleteUserPool")  # a pool of a target's own is made there alone
NOTICE = "sns:Publish"  # by `run`, whatever the notebook, where a target's notify is a topic
# Amazon RDS User Guide, "Using service-linked roles for Amazon RDS": made with the first instance of an account.
RDS_ROLE = "aws-service-role/rds.amazonaws.com/AWSServiceRoleForRDS"
REQUESTED = {"StringEquals": {"aws:RequestTag/ManagedBy": MANAGED_BY}}
Statement = dict[str, Any]
Where = tuple[tuple[str, ...], Mapping[str, Any]]  # ARNs, and a condition
NAME = re.compile(r"^((?:[^:]*:){5}[\w-]+[:/]).*")  # in an ARN: what stands behind the type


@cache
def recorded() -> Mapping[str, Any]:
    """By notebook the actions of its calls, and by action what IAM knows of it; see tests/iam/record.py."""
    found: Mapping[str, Any] = json.loads((files(__package__) / "actions.json").read_text(encoding="utf-8"))
    return found


def policy(target: Target, notebooks: Sequence[str] = ()) -> list[Statement]:
    """One or more policy documents, those that read before those that write.

    Args:
        target: where; its section names the account, unless it is the sandbox.
        notebooks: names or numbers; none means all.
    """
    targets.require_pinned(target)
    found = sorted(_statements(target, actions(target, notebooks)), key=lambda one: (one["Sid"][:4] != "Read", one["Action"]))
    return list(_documents(found))


def actions(target: Target, notebooks: Sequence[str] = ()) -> set[str]:
    """What the notebooks call, and what AWS asks for along with that."""
    called = {action for one in selected(notebooks) for action in recorded()["notebooks"][one] if _needed(target, action)}
    also = {one for action in called for one in recorded()["actions"][action].get("also", [])}
    return {one for one in {*called, *also, NOTICE} if _needed(target, one)}


def selected(notebooks: Sequence[str]) -> list[str]:
    """The full names, from names or what they begin with."""
    there = recorded()["notebooks"]
    for name in notebooks:
        if not any(one.startswith(name) for one in there):
            raise WrongInput(f'no notebook "{name}" was recorded: there are {", ".join(there)}')
    return [one for one in there if not notebooks or one.startswith(tuple(notebooks))]


def _needed(target: Target, action: str) -> bool:
    """Whether the target is one that needs it: a KMS key of its own, a pool of the sandbox, a topic."""
    if action == NOTICE:
        return target.notify.startswith("arn:")
    if action in SANDBOX_ALONE:
        return target.sandbox
    return bool(target.kms_key_id) or not action.startswith("kms:") or action == "kms:DescribeKey"


def _statements(target: Target, wanted: set[str]) -> Iterator[Statement]:
    """Actions that are allowed on the same, under the same condition, in one."""
    known, together = resources.of(target), defaultdict(set)
    for action in sorted(wanted):
        kind = "Read" if recorded()["actions"][action]["access"] in READING else "Write"
        arns: defaultdict[str, set[str]] = defaultdict(set)
        for on, condition in _where(target, action, known, wanted):
            arns[json.dumps(condition)].update(on)
        for held, on_all in arns.items():
            together[kind, tuple(sorted(on_all)), held].add(action)
    for number, ((kind, names_, held), found) in enumerate(together.items(), 1):
        statement = {"Sid": f"{kind}{number}", "Effect": "Allow", "Action": sorted(found), "Resource": list(names_)}
        yield statement | ({"Condition": json.loads(held)} if held != "{}" else {})


def _where(target: Target, action: str, known: Mapping[str, list[Resource]], wanted: set[str]) -> Iterator[Where]:
    """The ARNs on which an action is allowed, each with its condition."""
    service, types = action.partition(":")[0], recorded()["actions"][action]["types"]
    there = [(kind, keys, one) for kind, keys in types.items() for one in known[f"{service}:{kind}"]]
    if "rds:CreateBlueGreenDeployment" not in wanted:  # tags are what tells a deployment of ours: given in its creation alone
        there = [each for each in there if each[0] != "deployment"]
    if action == "iam:PassRole":
        yield from _passed(target, wanted)
    elif action == "ec2:CreateTags":
        yield from _tagged(there, wanted)
    elif action == "iam:CreateServiceLinkedRole":
        yield (role(target, RDS_ROLE),), {"StringEquals": {"iam:AWSServiceName": "rds.amazonaws.com"}}
    elif not types:
        yield ("*",), {}
    elif action.startswith(EVERYWHERE):
        yield tuple(NAME.sub(r"\1*", arn) for _, _, one in there for arn in one.arns), {}
    else:
        for kind, keys, one in (each for each in there if action in (each[2].only or [action])):
            yield one.arns, _condition(action, kind, keys, one)
            if action == "rds:AddTagsToResource" and one.tags:
                yield one.arns, _tags(one)


def _condition(action: str, kind: str, keys: Sequence[str], one: Resource) -> Mapping[str, Any]:
    """What must hold: what is made is tagged in the request; what is there has our tags already, where names do not tell."""
    if action == "rds:AddTagsToResource" and one.tags:  # of what is made: it has no tags yet, and what others manage has theirs
        return {**REQUESTED, "Null": {"aws:ResourceTag/ManagedBy": "true"}}
    if MADE.get(action) == kind and not one.only and "aws:RequestTag" in keys:
        return REQUESTED
    if one.tags and "aws:ResourceTag" in keys and not (one.only and action.endswith(("CreateSecret", "TagResource"))):
        return _tags(one)
    return {}


def _tags(one: Resource) -> Mapping[str, Any]:
    return {"StringLike": {f"aws:ResourceTag/{key}": value for key, value in one.tags.items()}}


def _tagged(there: Iterable[tuple[str, Sequence[str], Resource]], wanted: set[str]) -> Iterator[Where]:
    """Tags of EC2: in a creation, and on what is ours already."""
    creating = {action: kind for action, kind in MADE.items() if action.startswith("ec2:") and action in wanted}
    for _, _, one in (each for each in there if each[0] in creating.values()):
        yield one.arns, {"StringEquals": {"ec2:CreateAction": sorted(action.partition(":")[2] for action in creating)}}
        yield one.arns, {"StringEquals": {"aws:ResourceTag/ManagedBy": MANAGED_BY}}


def _passed(target: Target, wanted: set[str]) -> Iterator[Where]:
    """The roles that services are given, each to its own service."""
    given = [
        ("lambda:CreateFunction", role(target, names.function_name(target)), "lambda"),
        ("scheduler:CreateSchedule", role(target, schedule.name(target)), "scheduler"),
        ("rds:CreateDBInstance", target.monitoring_role_arn, "monitoring.rds"),
        ("rds:ModifyDBInstance", target.monitoring_role_arn, "monitoring.rds"),
    ]
    for arn, service in sorted({(arn, service) for action, arn, service in given if arn and action in wanted}):
        yield (arn,), {"StringEquals": {"iam:PassedToService": f"{service}.amazonaws.com"}}


def _documents(statements: Iterable[Statement]) -> Iterator[Statement]:
    """As few as hold all, reading and writing apart."""
    held: list[Statement] = []
    for one in statements:
        if held and (one["Sid"][:4] != held[0]["Sid"][:4] or size([*held, one]) > LONGEST):
            yield roles.document(held)
            held = []
        held.append(one)
    if held:
        yield roles.document(held)


def size(statements: Sequence[Statement]) -> int:
    """Of a document, as IAM counts it."""
    return len("".join(json.dumps(roles.document(statements)).split()))
