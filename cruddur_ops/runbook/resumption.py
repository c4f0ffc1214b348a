"""A run that goes on where an earlier one ended, and one that applies what another one planned.

WrongInput is raised where there is no such run or plan, or nothing is left of it; PlanMoved for a plan of another place.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from cruddur_ops import approvals
from cruddur_ops.errors import PlanMoved, WrongInput
from cruddur_ops.runbook.evidence import history, shown_plans, where
from cruddur_ops.runbook.notebooks import Selection
from cruddur_ops.runbook.parameters import Given, described
from cruddur_ops.runbook.runs import Request, Run
from cruddur_ops.target import Target

CHECK = ".check"  # the end of a step's name whose postconditions were asked for
OWN = ("target", "confirm")  # parameters that a request names itself


def resume(name: str, runs: Path, request: Request) -> Request:
    """The request of an earlier run, with what it has reached.

    Args:
        name: of its folder, or "last".
        runs: where the folders are.
        request: what holds for this run alone: the confirmation, limits, and where evidence goes.
    """
    folder = history.find(name, runs)
    record = history.read(folder)
    if record["plan_only"]:
        raise WrongInput(f"{folder.name} only planned: run it without --plan, or name one of those that `cruddur-ops runs` lists")
    if record["verdict"] == "passed":
        raise WrongInput(f"{folder.name} has passed, nothing is left of it: begin a new run with `cruddur-ops run`")
    if "order" not in record:
        raise WrongInput(f"{folder.name} does not say which notebooks it was to run: begin a new run with `cruddur-ops run`")
    path = folder / approvals.NAME
    approved = approvals.read(path) if path.exists() else {}
    given = [(key.partition(": ")[2], one) for key, one in record["parameters"].items() if one["source"] != "default"]
    return replace(
        request,
        selection=Selection(tuple(record["order"])),
        target=record["target"],
        given={key: Given(one["value"], f"{one['source']} of {folder.name}") for key, one in given if key not in OWN},
        verified=frozenset(step["name"].removesuffix(CHECK) for step in record["notebooks"] if step["verdict"] == "passed"),
        approved=path if approved else None,
        confirm=request.confirm or approved.get("db_instance_identifier", ""),
        origin={"resumes": folder.name, **({"approved": approved["digest"]} if approved else {})},
    )


def apply_plan(digest: str, file: Path | None, runs: Path, request: Request) -> Request:
    """The request that a plan was made from; its approval stands for the typed confirmation.

    Args:
        digest: of the plan, or its first 12 digits or more.
        file: the plan file, where it is in none of the runs' folders.
        runs: where the folders are.
        request: what holds for this run alone.
    """
    path = approvals.find(digest, runs, file)
    plan = approvals.read(path)
    return replace(
        request,
        selection=Selection(tuple(plan["notebooks"])),
        target=plan["target"],
        given={name: Given(value, f"plan {plan['digest'][: approvals.SHORTEST]}") for name, value in plan["given"].items()},
        confirm=plan["db_instance_identifier"],
        approved=path,
        origin={"plan": path.parent.name, "approved": plan["digest"]},
    )


def require_same_place(plan: Mapping[str, Any], target: Target) -> None:
    """Refuse a plan that was made in another account, region or place than the target is in now, with PlanMoved."""
    now, made = where(target), plan["where"]
    moved = [f"{name} was {made.get(name)} and is {now[name]}" for name in now if made.get(name) != now[name]]
    if moved:
        message = f"the plan {plan['digest'][: approvals.SHORTEST]} was made elsewhere, and nothing was changed"
        raise PlanMoved(f"{message} ({'; '.join(moved)}): plan again with `cruddur-ops run --plan`")


def write_plan(run: Run, folder: Path) -> str:
    """Collect what the executed notebooks of a run plan into its plan file, and return the digest.

    Of the parameters a confirmation does not count: whoever plans, and whoever applies, types one or none.
    """
    executed = {one.name: json.loads((folder / f"{one.name}.ipynb").read_text(encoding="utf-8")) for one in run.notebooks}
    values = {one.name: described(run.given, one.parameters) for one in run.notebooks}
    content = {
        "schema": 1,
        "target": run.target.name,
        "db_instance_identifier": run.target.db_instance_identifier,
        "where": where(run.target),
        "notebooks": [*executed],
        "given": {name: one.value for name, one in run.given.items() if name not in OWN},
        "parameters": {
            name: {key: one["value"] for key, one in found.items() if key != "confirm"} for name, found in values.items()
        },
        "plans": [approvals.entry(name, plan) for name, document in executed.items() for plan in shown_plans(document)],
    }
    return approvals.write(content, folder)
