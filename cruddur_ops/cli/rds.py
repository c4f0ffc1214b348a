"""`cruddur-ops rds VERB` and `cruddur-ops expired`: the DB instance's whole life."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from cruddur_ops.cli.options import confirm_option, target_option
from cruddur_ops.errors import OpsError

if TYPE_CHECKING:
    from cruddur_ops.plan import Plan
    from cruddur_ops.targets import Target

DRIFT = 2
IDENTIFIER = click.argument("identifier")
KEEP_AS = click.option(
    "--keep-as", "outgoing", required=True, metavar="IDENTIFIER", help="What the present instance is called from then on."
)
# Verbs that show a plan, make it and verify it: its function in `rds`, what it is for, and what it wants to know.
STEPS: dict[str, tuple[Any, ...]] = {
    "start": ("plan_start", "Start the instance, remove the schedule that would stop it anew, and wait until it is available."),
    "own-password": ("plan_own", "Keep the master password in a secret of our own, as read replicas need it."),
    "managed-password": ("plan_managed", "Let RDS manage the master password again, and remove the secret of our own."),
    "delete-snapshot": ("plan_delete_snapshot", "Remove the snapshot NAME for good.", click.argument("name")),
    "switch-over": (
        "plan_switchover",
        "Give the instance INCOMING the name of the target's, and that another.",
        click.argument("incoming"),
        KEEP_AS,
    ),
    "replica": ("plan_replica", "Make a read replica IDENTIFIER, and wait until it answers.", IDENTIFIER),
    "delete": ("plan_delete", "Delete the sibling instance IDENTIFIER (a restored one, or a replica) for good.", IDENTIFIER),
}


@click.group("rds")
def rds_group() -> None:
    """The DB instance: its state, and every step of its life."""


def carry_out(plan: Plan) -> None:
    """Show a plan, make it, and show what that came to."""
    click.echo(plan)
    click.echo(plan.apply())
    click.echo(plan.verify())


def load_target(name: str, confirm: str = "") -> Target:
    """The target of this name; importing what resolves it waits for the verb."""
    from cruddur_ops.targets import load

    return load(name, confirm)


def _step(name: str, function: str, text: str, *parameters: Any) -> None:
    @target_option
    @confirm_option
    def verb(target: str, confirm: str, **given: str) -> None:
        from cruddur_ops import rds

        carry_out(getattr(rds, function)(load_target(target, confirm), **given))

    for parameter in reversed(parameters):
        parameter(verb)
    rds_group.command(name, help=text)(verb)


for step, row in STEPS.items():
    _step(step, *row)


@rds_group.command()
@target_option
@click.option("--lines", default=5, show_default=True, help="Of the log, and of the events.")
def status(target: str, lines: int) -> None:
    """Show how the instance is: status, connections, storage, backups, certificate, maintenance, events, log."""
    from cruddur_ops import rds

    click.echo(rds.look(load_target(target), lines))


@rds_group.command()
@target_option
@click.option("--lines", default=20, show_default=True)
def logs(target: str, lines: int) -> None:
    """Show the last lines of PostgreSQL's log, passwords and e-mail addresses masked."""
    from cruddur_ops import rds

    for line in rds.tail(load_target(target), lines):
        click.echo(line)


@rds_group.command()
@target_option
@confirm_option
@click.option("--force", is_flag=True, help="Stop it although somebody is connected.")
@click.option("--keep", is_flag=True, help="Also make the schedule that stops it anew when AWS starts it after 7 days.")
def stop(target: str, confirm: str, force: bool, keep: bool) -> None:
    """Stop the instance, and wait until it is stopped."""
    from cruddur_ops import database, rds

    carry_out(rds.plan_stop(load_target(target, confirm), database.connected, force=force, keep=keep))


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

    loaded = load_target(target, confirm)
    plan = rds.plan_both(loaded, at_once=not window)
    if rds.is_major(plan):
        database.require_upgradable(loaded)
    carry_out(plan)


def _drift(name: str, window: bool) -> int:
    """Show the differences; the exit code tells a failure from a difference, as `terraform plan -detailed-exitcode` does."""
    from cruddur_ops import rds

    try:
        target = load_target(name)
        plan = rds.plan_both(target, at_once=not window)
    except OpsError as error:
        click.echo(str(error), err=True)
        return 1
    click.echo(plan)
    return DRIFT if plan.mutating else 0


@rds_group.command()
@target_option
@confirm_option
@click.option("--final-snapshot", required=True, metavar="NAME", help='The name of the last snapshot, or "none" for none.')
def teardown(target: str, confirm: str, final_snapshot: str) -> None:
    """Take everything away: Lambda, instance, secrets, log groups, schedule, security group; then list what is left."""
    from cruddur_ops import cognito, rds

    loaded = load_target(target, confirm)
    whole = cognito.plan_undeploy(loaded) + rds.plan_teardown(loaded, final_snapshot)
    carry_out(replace(whole, title=f"teardown on {loaded.name}"))
    _show_leftovers(loaded)


@rds_group.command()
@target_option
def leftovers(target: str) -> None:
    """List what could bill, by tag and by the instance's name, each with the command that removes it."""
    _show_leftovers(load_target(target))


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

    loaded = load_target(target)
    wanted = regions or (loaded.region,)
    found = [str(one) for one in find(loaded, wanted)]
    click.echo("\n".join(found) or f"nothing in {', '.join(wanted)} is past its date")
