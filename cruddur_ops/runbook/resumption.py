"""A run that goes on where an earlier one ended, and one that applies what another one planned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from cruddur_ops.errors import WrongInput
from cruddur_ops.runbook import plans
from cruddur_ops.runbook.evidence import history
from cruddur_ops.runbook.notebooks import Selection
from cruddur_ops.runbook.parameters import Given
from cruddur_ops.runbook.runs import Request

CHECK = ".check"  # the end of a step's name whose postconditions were asked for


def resume(name: str, runs: Path, request: Request) -> Request:
    """The request of an earlier run, with what it has reached.

    Args:
        name: of its folder, or "last".
        runs: where the folders are.
        request: what holds for this run alone: the confirmation, limits, and where evidence goes.

    Raises:
        WrongInput: there is no such run, or it cannot be resumed.
    """
    folder = history.find(name, runs)
    record = history.read(folder)
    if record["plan_only"]:
        raise WrongInput(f"{folder.name} only planned: run it without --plan, or name one of those that `cruddur-ops runs` lists")
    if record["verdict"] == "passed":
        raise WrongInput(f"{folder.name} has passed, nothing is left of it: begin a new run with `cruddur-ops run`")
    path = folder / plans.NAME
    approved = plans.read(path) if path.exists() else {}
    return replace(
        request,
        selection=Selection(tuple(record["order"])),
        target=record["target"],
        given=_given(record["parameters"], folder.name),
        verified=frozenset(step["name"].removesuffix(CHECK) for step in record["notebooks"] if step["verdict"] == "passed"),
        approved=path if approved else None,
        confirm=request.confirm or approved.get("db_instance_identifier", ""),
        origin={"resumes": folder.name, **({"approved": approved["digest"]} if approved else {})},
    )


def _given(parameters: Mapping[str, Mapping[str, Any]], run: str) -> dict[str, Given]:
    """What was given then, whatever the environment says now."""
    named = [(key.partition(": ")[2], one) for key, one in parameters.items() if one["source"] != "default"]
    return {name: Given(one["value"], f"{one['source']} of {run}") for name, one in named if name not in ("target", "confirm")}


def apply_plan(digest: str, file: Path | None, runs: Path, request: Request) -> Request:
    """The request that a plan was made from; its approval stands for the typed confirmation.

    Args:
        digest: of the plan, or its first 12 digits or more.
        file: the plan file, where it is in none of the runs' folders.
        runs: where the folders are.
        request: what holds for this run alone.

    Raises:
        WrongInput: there is no such plan.
    """
    path = plans.find(digest, runs, file)
    plan = plans.read(path)
    return replace(
        request,
        selection=Selection(tuple(plan["notebooks"])),
        target=plan["target"],
        given={name: Given(value, f"plan {plan['digest'][: plans.SHORTEST]}") for name, value in plan["given"].items()},
        confirm=plan["db_instance_identifier"],
        approved=path,
        origin={"plan": path.parent.name, "approved": plan["digest"]},
    )
