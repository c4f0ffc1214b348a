"""Which permissions somebody lacks for the notebooks, told before anything is run: IAM evaluates the policies itself.

Source: IAM API Reference, SimulatePrincipalPolicy and EvaluationResult: users and roles have policies, an account's root user has
none; of several resources the most restrictive decision is told. Policies of resources and of organizations are not asked, nor
conditions of others' policies on what only a request has.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from cruddur_ops import aws
from cruddur_ops.errors import AccessDenied
from cruddur_ops.iam import policies
from cruddur_ops.target import Target

FIRST = "00_preflight"  # which is what asks
OWNER = ":root"  # how an account calls its root user, who is a sandbox's owner
ABSENT = (aws.IAM_ABSENT_CODE, "InvalidInput")  # a role with a path, or a federated user, which has no policies of its own
Where = tuple[tuple[str, ...], str]  # the resources of a statement, and its condition as JSON


@dataclass(frozen=True)
class Permissions:
    """What somebody may do for the notebooks after 00.

    Attributes:
        who: in words.
        wanted: the actions, by notebook.
        denied: those of them that no policy allows on all that the notebook does them on; where that is not known, what the
            last runs were denied, and when.
        unknown: why nothing is known beforehand; else empty.
    """

    who: str
    wanted: Mapping[str, set[str]]
    denied: Mapping[str, set[str]] = field(default_factory=dict)
    unknown: str = ""

    def __repr__(self) -> str:
        """A line for each notebook."""
        if self.unknown:
            met = [f"  {name}: DENIED {', '.join(sorted(found))}" for name, found in self.denied.items()]
            return "\n".join([f"permissions of {self.who}: not known beforehand: {self.unknown}", *met])
        return "\n".join([f"permissions of {self.who}", *(f"  {name}: {self._said(name)}" for name in self.wanted)])

    def _said(self, name: str) -> str:
        lacking, count = sorted(self.denied.get(name, ())), len(self.wanted[name])
        return f"{len(lacking)} of {count} DENIED: {', '.join(lacking)}" if lacking else f"all {count} allowed"


def missing(target: Target, principal: str = "") -> Permissions:
    """Ask IAM which actions of the notebooks 01 to 10 are allowed; nothing is done.

    Args:
        target: where.
        principal: the ARN of another user or role; the caller's by default.
    """
    caller = aws.caller_identity(target)
    there = target if target.sandbox or target.account_id else replace(target, account_id=caller["Account"])
    wanted = {name: policies.actions(there, [name]) for name in policies.selected([]) if name != FIRST}
    who = principal or caller["Arn"]
    if who.endswith(OWNER):
        return Permissions(f"{who}, whom no policy limits", wanted)
    asked = {name: _asked(there, name) for name in wanted}
    try:
        found = _refused(target, _source(who), asked)
    except AccessDenied as error:
        return Permissions(who, wanted, _met(target, who), f"{error}; what is missing is named by the notebook that is denied it")
    if found is None:
        return Permissions(who, wanted, unknown="IAM finds no such user or role: give its ARN, with its path, to iam.missing")
    return Permissions(who, wanted, {name: {one[1] for one in pairs & found} for name, pairs in asked.items()})


def _met(target: Target, who: str) -> dict[str, set[str]]:
    """What runs on this target were denied, by notebook, unless it was done since."""
    from cruddur_ops.runbook import runs
    from cruddur_ops.runbook.evidence import history

    found: dict[str, set[str]] = {}
    for record in history.readable(runs.RUNS):
        own = record["target"] == target.name and _source(record["caller"] or "") == _source(who)
        for step in record["notebooks"] if own else ():
            if denied := aws.SAID.search(step.get("error", "")):
                found[step["name"]] = {f"{denied[1]} at {record['started'][:16]}"}
            elif step["verdict"] == "passed" and not record["plan_only"]:
                found.pop(step["name"], None)
    return found


def _asked(target: Target, notebook: str) -> set[tuple[Where, str]]:
    """What its policy allows: each action, and on what."""
    statements = (one for document in policies.policy(target, [notebook]) for one in document["Statement"])
    return {
        ((tuple(one["Resource"]), json.dumps(one.get("Condition", {}))), each) for one in statements for each in one["Action"]
    }


def _source(arn: str) -> str:
    """The user or role behind a caller: the session of a role has the role's name, without a path."""
    start, _, role = arn.partition(":assumed-role/")
    return f"{start.replace(':sts:', ':iam:')}:role/{role.partition('/')[0]}" if role else arn


def _refused(target: Target, source: str, asked: Mapping[str, set[tuple[Where, str]]]) -> set[tuple[Where, str]] | None:
    """Those that no policy of the user or role allows; None where there is no such one. Asked once for all notebooks."""
    together: defaultdict[Where, set[str]] = defaultdict(set)
    for where, action in set().union(*asked.values()):
        together[where].add(action)
    found: set[tuple[Where, str]] = set()
    for where, actions in sorted(together.items()):
        on = {"ActionNames": sorted(actions), "ResourceArns": where[0], "ContextEntries": list(_context(json.loads(where[1])))}
        results = aws.pages(target, "iam", "simulate_principal_policy", *ABSENT, PolicySourceArn=source, **on)
        if not results:
            return None
        found |= {(where, one["EvalActionName"]) for one in results if one["EvalDecision"] != "allowed"}
    return found


def _context(condition: Mapping[str, Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """What a request has that meets a condition of ours: nothing of a tag that must not be there."""
    for key, value in (pair for operator, block in condition.items() if operator != "Null" for pair in block.items()):
        values = [value if isinstance(value, str) else value[0]]
        yield {"ContextKeyName": key, "ContextKeyValues": values, "ContextKeyType": "string"}
