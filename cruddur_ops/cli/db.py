"""`cruddur-ops db VERB`: create, load and seed the database."""

from __future__ import annotations

import click

from cruddur_ops.cli.options import confirm_option, target_option


@click.group()
def db() -> None:
    """The database on the DB instance, or at CONNECTION_URL."""


@db.command()
@target_option
@confirm_option
def create(target: str, confirm: str) -> None:
    """Create the database where it is missing."""
    from cruddur_ops import database
    from cruddur_ops.targets import load

    click.echo(database.create(load(target), confirm))


@db.command("schema-load")
@target_option
@confirm_option
def schema_load(target: str, confirm: str) -> None:
    """Load sql/schema.sql into an empty database."""
    from cruddur_ops import database
    from cruddur_ops.targets import load

    click.echo(database.load_schema(load(target), confirm))


@db.command()
@target_option
@confirm_option
def seed(target: str, confirm: str) -> None:
    """Load sql/seed.sql where its rows are missing."""
    from cruddur_ops import database
    from cruddur_ops.targets import load

    click.echo(database.seed(load(target), confirm))
