"""Schedules of EventBridge Scheduler: refused as it refuses them, and kept; nothing calls their targets.

Source: EventBridge Scheduler API Reference, the page of each action; User Guide, "Schedule types on EventBridge Scheduler" and
"Setting up Amazon EventBridge Scheduler" (the execution role).
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from botocore import xform_name
from moto.core.exceptions import JsonRESTError
from moto.scheduler.exceptions import ValidationException

from rds_sandbox.patches import MOTO, Request, action
from rds_sandbox.service_roles import assumable
from rds_sandbox.tables import limits

MEMBERS = (
    "Description", "EndDate", "FlexibleTimeWindow", "GroupName", "KmsKeyArn", "ScheduleExpression",
    "ScheduleExpressionTimezone", "StartDate", "Target",
)  # fmt: skip
SERVICE = "scheduler.amazonaws.com"
LIMITS = limits("scheduler")


@action("scheduler", "CreateSchedule")
def create(request: Request) -> dict[str, str]:
    """In a group that there is; a request that comes twice is answered twice (API Reference, ClientToken)."""
    asked = request.parameters
    there = request.backend.get_schedule_group(asked.get("GroupName")).schedules.get(asked["Name"])
    if _repeats(there, asked):
        return {"ScheduleArn": there.arn}
    made = request.backend.create_schedule(**_checked(request), action_after_completion=_after(request))
    made.asked = asked
    return {"ScheduleArn": made.arn}


def _repeats(there: Any, asked: Mapping[str, Any]) -> bool:
    """Whether what is there was made by the same request."""
    return "ClientToken" in asked and getattr(there, "asked", None) == asked


@action("scheduler", "UpdateSchedule")
def update(request: Request) -> dict[str, str]:
    """What is not repeated goes back to its default (API Reference, UpdateSchedule)."""
    schedule = request.backend.update_schedule(**_checked(request))
    schedule.action_after_completion = _after(request)
    return {"ScheduleArn": schedule.arn}


@action("scheduler", "CreateScheduleGroup")
def create_group(request: Request) -> dict[str, str]:
    """Under a name that is free; a request that comes twice is answered twice."""
    asked, groups = request.parameters, request.backend.schedule_groups
    name = asked["Name"]
    if name in groups and not _repeats(groups[name], asked):
        raise JsonRESTError("ConflictException", f"Schedule group {name} already exists.")
    made = groups[name] if name in groups else request.backend.create_schedule_group(name, asked.get("Tags") or [])
    made.asked = asked
    return {"ScheduleGroupArn": made.arn}


@action("scheduler", "DeleteScheduleGroup")
def delete_group(request: Request) -> object:
    if request.backend.get_schedule_group(request.parameters["Name"]).name == "default":
        raise ValidationException("The default schedule group cannot be deleted.")
    return MOTO


def _checked(request: Request) -> dict[str, Any]:
    """The parameters under the names that moto has for them, with dates as they were sent."""
    asked, moto = request.parameters, request.moto
    check_expression(asked["ScheduleExpression"])
    _check_zone(asked.get("ScheduleExpressionTimezone", "UTC"))
    window = asked["FlexibleTimeWindow"]
    if window["Mode"] == "FLEXIBLE" and "MaximumWindowInMinutes" not in window:
        raise ValidationException("A flexible time window needs MaximumWindowInMinutes.")
    check_target(asked["Target"])
    if assumable(request.iam, asked["Target"]["RoleArn"], SERVICE) is None:
        raise ValidationException("The execution role you provide must allow AWS EventBridge Scheduler to assume the role.")
    members = {xform_name(name): moto._get_param(name) for name in MEMBERS}
    return {**members, "name": asked["Name"], "state": asked.get("State", "ENABLED")}


def _after(request: Request) -> str:
    return str(request.parameters.get("ActionAfterCompletion", "NONE"))


def _check_zone(name: str) -> None:
    """One of the IANA database."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError, ValueError) as error:
        raise ValidationException(f"Invalid time zone {name}: give one of the IANA database.") from error


def check_target(target: Mapping[str, Any]) -> None:
    """Refuse what is no ARN, and of the actions that are called by their names those that read, and input that is no JSON."""
    arn, rules = target["Arn"], LIMITS["targets"]
    if not re.fullmatch(rules["arn"], arn):
        raise ValidationException(f"Provided Arn is not in correct format: {arn}")
    universal = re.fullmatch(rules["universal"], arn)
    if universal and universal[2].startswith(tuple(rules["unsupported"])):
        raise ValidationException(f"{arn} is not a supported target: EventBridge Scheduler calls no action that only reads.")
    try:
        json.loads(target.get("Input", "{}") if universal else "{}")
    except ValueError as error:
        raise ValidationException("The Input of a universal target must be well-formed JSON.") from error


@action("scheduler", "TagResource", "UntagResource", "ListTagsForResource")
def require_group(request: Request) -> object:
    """One that there is."""
    arn = request.parameters["ResourceArn"]
    if arn not in {group.arn for group in request.backend.schedule_groups.values()}:
        raise JsonRESTError("ResourceNotFoundException", f"Schedule group {arn.rpartition('/')[2]} does not exist.")
    return MOTO


def check_expression(expression: str) -> None:
    """Refuse what is no at(), rate() or cron() expression."""
    found = re.fullmatch(r"(at|rate|cron)\((.*)\)", expression)
    if not found or not FORMS[found[1]](found[2]):
        raise ValidationException(f"Invalid Schedule Expression {expression}.")


def _is_moment(text: str) -> bool:
    try:
        return bool(datetime.strptime(text, "%Y-%m-%dT%H:%M:%S"))
    except ValueError:
        return False


def _is_calendar(text: str) -> bool:
    """Six fields, of which one day, that of the month or that of the week, is left open by a question mark."""
    fields, rules = text.split(), LIMITS["cron"]
    if len(fields) != len(rules) or (fields[2] == "?") is (fields[4] == "?"):
        return False
    return all(_is_part(part, rule) for field, rule in zip(fields, rules, strict=True) for part in field.split(","))


def _is_part(part: str, rule: Mapping[str, Any]) -> bool:
    """Everything, a value or a span of values, each of which may have a step; or what this field has beside that."""
    if re.fullmatch(rule.get("others", "(?!)"), part):
        return True
    found = re.fullmatch(r"(?:\*|(\w+)(?:-(\w+))?)(?:/[1-9]\d*)?", part)
    return found is not None and all(_is_value(each, rule) for each in found.groups() if each)


def _is_value(text: str, rule: Mapping[str, Any]) -> bool:
    return text in rule.get("names", ()) or text.isdecimal() and rule["least"] <= int(text) <= rule["most"]


RATE = re.compile(LIMITS["rate"])
FORMS: Mapping[str, Callable[[str], object]] = {"at": _is_moment, "rate": RATE.fullmatch, "cron": _is_calendar}
