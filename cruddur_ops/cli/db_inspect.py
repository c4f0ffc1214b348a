"""`cruddur-ops db status`, `sessions`, `kill-sessions` and `drop`: what is there, who uses it, and its end."""

from __future__ import annotations

import click

from cruddur_ops.cli.options import announce, confirm_option, target_option


@click.command()
@target_option
def status(target: str) -> None:
    """Show the server, the database, its schema, its size and how many use it."""
    from cruddur_ops import database
    from cruddur_ops.targets import load

    click.echo(database.status(load(target)))


@click.command()
@target_option
def sessions(target: str) -> None:
    """List everybody who is connected to the server, but you and AWS: who blocks whom, and since when."""
    from cruddur_ops import database
    from cruddur_ops.targets import load

    loaded = load(target)
    announce("sessions", loaded)
    click.echo(database.sessions(loaded))


@click.command("kill-sessions")
@target_option
@confirm_option
@click.option("--idle-longer-than", "idle", default=None, metavar="TIME", help="Only those idle for longer, as in 30m or 2h.")
def kill_sessions(target: str, confirm: str, idle: str | None) -> None:
    """End the sessions that `sessions` lists; what they have not committed is rolled back."""
    from cruddur_ops import database
    from cruddur_ops.database import durations
    from cruddur_ops.targets import load

    length = durations.parse(idle) if idle is not None else None
    loaded = load(target)
    announce("kill-sessions", loaded)
    plan = database.plan_kill(loaded, length)
    click.echo(plan)
    click.echo(database.kill_sessions(loaded, confirm, length, plan))


@click.command()
@target_option
@click.option("--confirm", default="", help="The name of the database, to drop that of a protected target.")
@click.option("--force", is_flag=True, help="End the sessions of those who are connected.")
def drop(target: str, confirm: str, force: bool) -> None:
    """Drop the database and all that is in it; refused while anybody is connected."""
    from cruddur_ops import database
    from cruddur_ops.targets import load

    loaded = load(target)
    announce("drop", loaded)
    click.echo(database.plan_drop(loaded, force=force))
    click.echo(database.drop(loaded, confirm, force=force))


VERBS = (status, sessions, kill_sessions, drop)
