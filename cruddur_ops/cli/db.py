"""`cruddur-ops db VERB`: the steps that make and change the database, each planned, shown and applied."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from cruddur_ops.cli.options import announce, confirm_option, target_option

if TYPE_CHECKING:
    from cruddur_ops.plan import Plan
    from cruddur_ops.targets import Target

STEPS = {
    "create": ("plan_create", "Create the database where it is missing, and label it with the name of the target."),
    "roles": ("plan_roles", "Make the roles cruddur_app and cruddur_reader, and give back the rights that they lost."),
    "schema-load": ("plan_schema", "Load sql/schema.sql into an empty database."),
    "migrate": ("plan_migrations", "Apply the migrations that the database lacks."),
    "rollback": ("plan_rollback", "Undo the newest migration of the database."),
}


@click.group()
def db() -> None:
    """The database on the DB instance, or at CONNECTION_URL."""


def carry_out(verb: str, target: str, confirm: str, plan: Callable[[Target], Plan], *, rate: bool = False) -> None:
    """Say where, show the plan, apply it, and say what it came to; and how quickly, where it is about many rows."""
    from cruddur_ops.targets import load

    loaded = load(target, confirm)
    announce(verb, loaded)
    shown = plan(loaded)
    click.echo(shown)
    began = time.monotonic()
    outcome = shown.apply()
    seconds = time.monotonic() - began
    rows = outcome.created + outcome.deleted if rate else 0
    click.echo(str(outcome) + (f" in {seconds:.1f} s, {rows / seconds:,.0f} rows a second" if rows else ""))


def _step(name: str, function: str, text: str) -> None:
    @db.command(name, help=text)
    @target_option
    @confirm_option
    def verb(target: str, confirm: str) -> None:
        from cruddur_ops import database

        carry_out(name, target, confirm, getattr(database, function))


for step, (planner, sentence) in STEPS.items():
    _step(step, planner, sentence)


@db.command()
@target_option
@confirm_option
@click.option("--scale", type=click.IntRange(min=1), default=None, metavar="N", help="Generate N activities instead.")
@click.option("--seed-number", type=int, default=1, show_default=True, help="With --scale: same number, same data.")
def seed(target: str, confirm: str, scale: int | None, seed_number: int) -> None:
    """Bring the rows of sql/seed.sql to what the file says, or generate users and activities by the million."""
    from cruddur_ops import database

    if scale is None:
        carry_out("seed", target, confirm, database.plan_seed)
    else:
        carry_out("seed", target, confirm, lambda loaded: database.plan_load(loaded, scale, seed_number), rate=True)


@db.command()
@target_option
@confirm_option
@click.option("--batch", type=click.IntRange(1, 10_000), default=1000, show_default=True, help="How many activities at a time.")
def expire(target: str, confirm: str, batch: int) -> None:
    """Remove activities that have expired, while the feeds go on."""
    from cruddur_ops import database

    carry_out("expire", target, confirm, lambda loaded: database.plan_expire(loaded, batch), rate=True)


@db.command("kill-sessions")
@target_option
@confirm_option
@click.option("--idle-longer-than", "idle", default="", metavar="TIME", help="Only those idle for longer, as in 30m or 2h.")
def kill_sessions(target: str, confirm: str, idle: str) -> None:
    """End the sessions that `sessions` lists; what they have not committed is rolled back."""
    from cruddur_ops import database

    carry_out("kill-sessions", target, confirm, lambda loaded: database.plan_kill(loaded, idle))


@db.command()
@target_option
@click.option("--confirm", default="", help="The name of the database, to drop that of a protected target.")
@click.option("--force", is_flag=True, help="End the sessions of those who are connected.")
def drop(target: str, confirm: str, force: bool) -> None:
    """Drop the database and all that is in it; refused while anybody is connected."""
    from cruddur_ops import database

    carry_out("drop", target, confirm, lambda loaded: database.plan_drop(loaded, force=force))


@db.command()
@target_option
@click.option("--force", is_flag=True, help="End the sessions of those who are connected.")
def setup(target: str, force: bool) -> None:
    """Drop the database and make it anew, with schema and seed; never on a protected target."""
    from cruddur_ops import database
    from cruddur_ops.targets import load

    loaded = load(target)
    announce("setup", loaded)
    click.echo(database.setup(loaded, force=force, tell=click.echo))
