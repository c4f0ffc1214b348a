"""`cruddur-ops rds modify`, whose exit code tells a difference from a failure."""

from __future__ import annotations

import click

from cruddur_ops import colour
from cruddur_ops.cli.groups import DRIFT
from cruddur_ops.cli.groups import rds as group
from cruddur_ops.cli.options import confirm_option, target_option
from cruddur_ops.cli.verb import carry_out

PLAN_HELP = "Only show what differs: exit code 0 for nothing, 2 for something, 1 for a failure."

WINDOW_HELP = "Make every change now, or let what can wait, wait for the maintenance window. By default now, unless protected."


@group.command()
@target_option
@confirm_option
@click.option("--at-once/--window", default=None, help=WINDOW_HELP)
@click.option("--plan", "plan_only", is_flag=True, help=PLAN_HELP)
def modify(target: str, confirm: str, at_once: bool | None, plan_only: bool) -> None:
    """Make the instance what the target asks for: class, storage, version, backups, protection, password, access, tags."""
    from cruddur_ops import rds
    from cruddur_ops.database.prechecks import require_upgradable
    from cruddur_ops.rds.modification import major_version
    from cruddur_ops.targets import load

    loaded = load(target, confirm)
    plan = rds.plan_both(loaded, at_once=at_once, major=True)
    if plan_only:
        colour.echo(plan)
        raise SystemExit(DRIFT if plan.mutating else 0)
    if version := major_version(plan):
        require_upgradable(loaded, version)
    carry_out(plan)
