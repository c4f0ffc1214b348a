"""`cruddur-ops rds VERB` and `cruddur-ops expired`: the DB instance's whole life."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from cruddur_ops.cli.options import confirm_option, target_option
from cruddur_ops.errors import OpsError

if TYPE_CHECKING:
    from cruddur_ops.plan import Plan
    from cruddur_ops.targets import Target

DRIFT = 2


@click.group("rds")
def rds_group() -> None:
    """The DB instance: its state, and every step of its life."""


def _carry_out(plan: Plan, target: Target, confirm: str) -> None:
    """Show a plan, make it, and show what that came to."""
    from cruddur_ops import rds

    click.echo(plan)
    click.echo(rds.apply(plan, target, confirm))


def _load(name: str) -> Any:
    from cruddur_ops.targets import load

    return load(name)


@rds_group.command()
@target_option
@click.option("--lines", default=5, show_default=True, help="Of the log, and of the events.")
def status(target: str, lines: int) -> None:
    """Show how the instance is: status, connections, storage, backups, certificate, maintenance, events, log."""
    from cruddur_ops import rds

    click.echo(rds.look(_load(target), lines))


@rds_group.command()
@target_option
@click.option("--lines", default=20, show_default=True)
def logs(target: str, lines: int) -> None:
    """Show the last lines of PostgreSQL's log, passwords and e-mail addresses masked."""
    from cruddur_ops import rds

    for line in rds.tail(_load(target), lines):
        click.echo(line)


@rds_group.command()
@target_option
@confirm_option
@click.option("--force", is_flag=True, help="Stop it although somebody is connected.")
@click.option("--keep", is_flag=True, help="Also make the schedule that stops it anew when AWS starts it after 7 days.")
def stop(target: str, confirm: str, force: bool, keep: bool) -> None:
    """Stop the instance, and wait until it is stopped."""
    from cruddur_ops import database, rds

    loaded = _load(target)
    _carry_out(rds.plan_stop(loaded, () if force else database.connected(loaded), keep=keep), loaded, confirm)
    click.echo(rds.wait(loaded, "stopped"))


@rds_group.command()
@target_option
@confirm_option
def start(target: str, confirm: str) -> None:
    """Start the instance, remove the schedule that would stop it anew, and wait until it is available."""
    from cruddur_ops import rds

    loaded = _load(target)
    _carry_out(rds.plan_start(loaded), loaded, confirm)
    click.echo(rds.wait(loaded))


@rds_group.command()
@target_option
@confirm_option
@click.option("--window", is_flag=True, help="Let what can wait, wait for the maintenance window.")
@click.option(
    "--plan", "plan_only", is_flag=True, help="Only show what differs: exit code 0 for nothing, 2 for something, 1 for a failure."
)
def modify(target: str, confirm: str, window: bool, plan_only: bool) -> None:
    """Make the instance what the target wants: class, storage, version, backups, protection, password, access, tags."""
    if plan_only:
        raise SystemExit(_drift(target, window))
    from cruddur_ops import database, rds

    loaded = _load(target)
    rds.apply(rds.plan_group(loaded), loaded, confirm)
    plan = rds.plan_instance(loaded, at_once=not window)
    if rds.is_major(plan):
        database.require_upgradable(loaded)
    _carry_out(plan, loaded, confirm)
    click.echo(rds.wait(loaded, settled=not window))


def _drift(name: str, window: bool) -> int:
    """Show the differences; the exit code tells a failure from a difference, as `terraform plan -detailed-exitcode` does."""
    from cruddur_ops import rds

    try:
        target = _load(name)
        plan = rds.plan_both(target, at_once=not window)
    except OpsError as error:
        click.echo(str(error), err=True)
        return 1
    click.echo(plan)
    return DRIFT if plan.mutating else 0


@rds_group.command()
@click.argument("name")
@target_option
@confirm_option
def snapshot(name: str, target: str, confirm: str) -> None:
    """Take a snapshot called NAME, and wait until it can be restored."""
    from cruddur_ops import rds

    loaded = _load(target)
    _carry_out(rds.plan_snapshot(loaded, name), loaded, confirm)
    click.echo(rds.wait_for_snapshot(loaded, name))


@rds_group.command()
@target_option
def snapshots(target: str) -> None:
    """List the snapshots of the instance, the newest last."""
    from cruddur_ops.rds.snapshots import of_instance

    for one in of_instance(_load(target)):
        taken = f"{one.taken:%Y-%m-%d %H:%M:%S} UTC" if one.taken else "not yet"
        click.echo(f"{one.name}  {one.kind}  {one.status}  {taken}  {one.gibibytes} GiB")


@rds_group.command("delete-snapshot")
@click.argument("name")
@target_option
@confirm_option
def delete_snapshot(name: str, target: str, confirm: str) -> None:
    """Remove the snapshot NAME for good."""
    from cruddur_ops import rds

    loaded = _load(target)
    _carry_out(rds.plan_delete_snapshot(loaded, name), loaded, confirm)


@rds_group.command()
@click.argument("identifier")
@click.option("--snapshot", "name", default=None, help="The snapshot to restore.")
@click.option("--time", "moment", default=None, metavar="TIME", help="Or the moment, such as 2026-11-20T14:03:00+00:00.")
@target_option
@confirm_option
def restore(identifier: str, name: str | None, moment: str | None, target: str, confirm: str) -> None:
    """Restore a snapshot or a moment as a new instance IDENTIFIER beside the original, and wait until it is as wanted."""
    from cruddur_ops import rds

    if bool(name) is bool(moment):
        raise click.UsageError("name either a --snapshot or a --time")
    loaded = _load(target)
    plan = rds.plan_restore(loaded, name, identifier) if name else _to_time(loaded, str(moment), identifier)
    _carry_out(plan, loaded, confirm)
    restored = rds.beside(loaded, identifier)
    rds.wait(restored)
    rds.apply(rds.plan_instance(restored), restored, identifier)
    click.echo(rds.wait(restored, settled=True))


def _to_time(target: Target, moment: str, identifier: str) -> Plan:
    from cruddur_ops import rds

    try:
        parsed = datetime.fromisoformat(moment)
    except ValueError as error:
        raise click.UsageError(f"{moment} is no time: write it as 2026-11-20T14:03:00+00:00") from error
    return rds.plan_restore_to_time(target, parsed, identifier)


@rds_group.command("switch-over")
@click.argument("incoming")
@click.option("--keep-as", required=True, metavar="IDENTIFIER", help="What the present instance is called from then on.")
@target_option
@confirm_option
def switch_over(incoming: str, keep_as: str, target: str, confirm: str) -> None:
    """Give the instance INCOMING the name of the target's, and that another."""
    from cruddur_ops import rds

    loaded = _load(target)
    plan = rds.plan_switchover(loaded, incoming, keep_as)
    click.echo(plan)
    click.echo(rds.switch_over(plan, loaded, confirm))


@rds_group.command()
@click.argument("identifier")
@target_option
@confirm_option
def replica(identifier: str, target: str, confirm: str) -> None:
    """Make a read replica IDENTIFIER, and wait until it answers."""
    from cruddur_ops import rds

    loaded = _load(target)
    _carry_out(rds.plan_replica(loaded, identifier), loaded, confirm)
    click.echo(rds.wait(rds.beside(loaded, identifier)))


@rds_group.command()
@click.argument("identifier")
@target_option
@confirm_option
def promote(identifier: str, target: str, confirm: str) -> None:
    """Make the read replica IDENTIFIER an instance of its own, as the target wants one."""
    from cruddur_ops import rds

    loaded = _load(target)
    _carry_out(rds.plan_promote(loaded, identifier), loaded, confirm)
    promoted = rds.beside(loaded, identifier)
    rds.wait_until_promoted(promoted)
    rds.apply(rds.plan_instance(promoted), promoted, identifier)
    click.echo(rds.wait(promoted, settled=True))


@rds_group.command()
@click.argument("identifier")
@target_option
@confirm_option
def delete(identifier: str, target: str, confirm: str) -> None:
    """Delete the instance IDENTIFIER beside the original (a restored one, or a replica) for good."""
    from cruddur_ops import rds

    loaded = _load(target)
    _carry_out(rds.plan_delete(loaded, identifier), loaded, confirm)
    rds.wait_until_gone(rds.beside(loaded, identifier))


@rds_group.command("own-password")
@target_option
@confirm_option
def own_password(target: str, confirm: str) -> None:
    """Keep the master password in a secret of our own, as read replicas need it."""
    from cruddur_ops import rds

    loaded = _load(target)
    plan = rds.plan_own(loaded)
    click.echo(plan)
    click.echo(rds.apply_password(plan, loaded, confirm))
    click.echo(rds.wait(loaded, settled=True))


@rds_group.command("managed-password")
@target_option
@confirm_option
def managed_password(target: str, confirm: str) -> None:
    """Let RDS manage the master password again, and remove the secret of our own."""
    from cruddur_ops import rds

    loaded = _load(target)
    _carry_out(rds.plan_managed(loaded), loaded, confirm)
    click.echo(rds.wait(loaded, settled=True))


@rds_group.command()
@target_option
@confirm_option
@click.option("--final-snapshot", required=True, metavar="NAME", help='The name of the last snapshot, or "none" for none.')
def teardown(target: str, confirm: str, final_snapshot: str) -> None:
    """Take everything away: Lambda, instance, secrets, log groups, schedule, security group; then list what is left."""
    from cruddur_ops import cognito, rds

    loaded = _load(target)
    functions, instance = cognito.plan_undeploy(loaded), rds.plan_teardown(loaded, final_snapshot)
    click.echo(functions)
    click.echo(instance)
    click.echo(cognito.apply(functions, loaded, confirm) + rds.tear_down(instance, loaded, confirm))
    _show_leftovers(loaded)


@rds_group.command()
@target_option
def leftovers(target: str) -> None:
    """List what could bill, by tag and by the instance's name, each with the command that removes it."""
    _show_leftovers(_load(target))


def _show_leftovers(target: Target) -> None:
    from cruddur_ops import rds

    for one in rds.leftovers(target):
        click.echo(repr(one))
    click.echo(f"that is all that is left in {target.region}")


@click.command()
@target_option
@click.option("--region", "regions", multiple=True, help="Where to look; repeat it for several. By default the target's.")
def expired(target: str, regions: tuple[str, ...]) -> None:
    """List what is past its Expires tag, each with the command that removes it."""
    from cruddur_ops.rds.expired import find

    loaded = _load(target)
    for one in find(loaded, regions or (loaded.region,)):
        click.echo(one)
