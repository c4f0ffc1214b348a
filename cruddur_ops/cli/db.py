"""`cruddur-ops db VERB`: create, load, migrate and seed the database."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from cruddur_ops.cli.options import announce, confirm_option, target_option

if TYPE_CHECKING:
    from cruddur_ops.plan import Outcome, Plan
    from cruddur_ops.targets import Target


@click.group()
def db() -> None:
    """The database on the DB instance, or at CONNECTION_URL."""


def step(verb: str, target: str, confirm: str, plan: Callable[[Target], Plan], act: Callable[[Target, str], Outcome]) -> None:
    """Say where, show the plan, do it, and say what it came to."""
    from cruddur_ops.targets import load

    loaded = load(target)
    announce(verb, loaded)
    click.echo(plan(loaded))
    click.echo(act(loaded, confirm))


@db.command()
@target_option
@confirm_option
def create(target: str, confirm: str) -> None:
    """Create the database where it is missing, and stamp it with the name of the target."""
    from cruddur_ops import database

    step("create", target, confirm, database.plan_create, database.create)


@db.command()
@target_option
@confirm_option
def roles(target: str, confirm: str) -> None:
    """Make the roles cruddur_app and cruddur_reader, and give back the rights that they lost."""
    from cruddur_ops import database

    step("roles", target, confirm, database.plan_roles, database.ensure_roles)


@db.command("schema-load")
@target_option
@confirm_option
def schema_load(target: str, confirm: str) -> None:
    """Load sql/schema.sql into an empty database."""
    from cruddur_ops import database

    step("schema-load", target, confirm, database.plan_schema, database.load_schema)


@db.command()
@target_option
@confirm_option
def migrate(target: str, confirm: str) -> None:
    """Apply the migrations that the database lacks."""
    from cruddur_ops import database

    step("migrate", target, confirm, database.plan_migrations, database.migrate)


@db.command()
@target_option
@confirm_option
def rollback(target: str, confirm: str) -> None:
    """Undo the newest migration of the database."""
    from cruddur_ops import database

    step("rollback", target, confirm, database.plan_rollback, database.rollback)


@db.command()
@click.argument("name")
def migration(name: str) -> None:
    """Write the next pair of files in sql/migrations/, called NAME."""
    from cruddur_ops import database

    for path in database.new_migration(name):
        click.echo(f"wrote {path}")


@db.command()
@target_option
@confirm_option
@click.option("--scale", type=click.IntRange(min=1), default=None, metavar="N", help="Generate N activities instead.")
@click.option("--seed-number", type=int, default=1, show_default=True, help="With --scale: same number, same data.")
def seed(target: str, confirm: str, scale: int | None, seed_number: int) -> None:
    """Bring the rows of sql/seed.sql to what the file says, or generate users and activities by the million."""
    from cruddur_ops import database
    from cruddur_ops.cli import activities

    if scale is None:
        step("seed", target, confirm, database.plan_seed, database.seed)
    else:
        activities.scale(target, confirm, scale, seed_number)


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
