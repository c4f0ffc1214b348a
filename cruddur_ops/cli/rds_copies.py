"""`cruddur-ops rds VERB` for siblings of the original: snapshots, restored instances, replicas."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import click

from cruddur_ops.cli.options import confirm_option, target_option
from cruddur_ops.cli.rds import carry_out, load_target

if TYPE_CHECKING:
    from cruddur_ops.plan import Plan
    from cruddur_ops.targets import Target


@click.command()
@click.argument("name")
@target_option
@confirm_option
def snapshot(name: str, target: str, confirm: str) -> None:
    """Take a snapshot called NAME, and wait until it can be restored."""
    from cruddur_ops import rds

    loaded = load_target(target, confirm)
    plan = rds.plan_snapshot(loaded, name)
    click.echo(plan)
    click.echo(plan.apply())
    click.echo(rds.plan_snapshot(loaded, name, existing=True).verify())


@click.command()
@target_option
def snapshots(target: str) -> None:
    """List the snapshots of the instance, the newest last."""
    from cruddur_ops.rds.snapshots import of_instance

    for one in of_instance(load_target(target)):
        taken = f"{one.taken:%Y-%m-%d %H:%M:%S} UTC" if one.taken else "not yet"
        click.echo(f"{one.name}  {one.kind}  {one.status}  {taken}  {one.gibibytes} GiB")


@click.command()
@click.argument("identifier")
@click.option("--snapshot", "name", default=None, help="The snapshot to restore.")
@click.option("--time", "moment", default=None, metavar="TIME", help="Or the moment, such as 2026-11-20T14:03:00+00:00.")
@target_option
@confirm_option
def restore(identifier: str, name: str | None, moment: str | None, target: str, confirm: str) -> None:
    """Restore a snapshot or a moment as a new instance IDENTIFIER, and wait until it is as wanted."""
    from cruddur_ops import rds

    if bool(name) is bool(moment):
        raise click.UsageError("name either a --snapshot or a --time")
    loaded = load_target(target, confirm)
    carry_out(rds.plan_restore(loaded, name, identifier) if name else _to_time(loaded, str(moment), identifier))
    carry_out(rds.plan_instance(rds.sibling(loaded, identifier)))


def _to_time(target: Target, moment: str, identifier: str) -> Plan:
    from cruddur_ops import rds

    try:
        parsed = datetime.fromisoformat(moment)
    except ValueError as error:
        raise click.UsageError(f"{moment} is no time: write it as 2026-11-20T14:03:00+00:00") from error
    return rds.plan_restore_to_time(target, parsed, identifier)


@click.command()
@click.argument("identifier")
@target_option
@confirm_option
def promote(identifier: str, target: str, confirm: str) -> None:
    """Make the read replica IDENTIFIER an instance of its own, as the target wants one."""
    from cruddur_ops import rds

    loaded = load_target(target, confirm)
    carry_out(rds.plan_promote(loaded, identifier))
    carry_out(rds.plan_instance(rds.sibling(loaded, identifier)))


VERBS = (snapshot, snapshots, restore, promote)
