"""`cruddur-ops users VERB`."""

from __future__ import annotations

import click

from cruddur_ops.cli.options import confirm_option, target_option


@click.group()
def users() -> None:
    """The users of the application, in the user pool and in the database."""


@users.command()
@target_option
@confirm_option
def sync(target: str, confirm: str) -> None:
    """Give every confirmed user of the pool a row, seeded users their Cognito ids, and report the rest."""
    from cruddur_ops import cognito
    from cruddur_ops.targets import load

    plan = cognito.plan_sync(load(target, confirm))
    click.echo(plan)
    click.echo(plan.apply())
