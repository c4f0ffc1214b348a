"""`cruddur-ops sandbox VERB`."""

from __future__ import annotations

import click

from cruddur_ops.cli.options import name_option


@click.group()
def sandbox() -> None:
    """The fake AWS with a real Postgres, on this machine."""


@sandbox.command()
@name_option
def up(name: str | None) -> None:
    """Start it in the background, and return when it is ready."""
    from cruddur_ops.sandbox import control

    click.echo("the sandbox is up" if control.up(name) else "the sandbox was up already")


@sandbox.command()
@name_option
def down(name: str | None) -> None:
    """End it, and everything in it."""
    from cruddur_ops.sandbox import control

    click.echo("the sandbox is down" if control.down(name) else "no sandbox was up")


@sandbox.command()
@name_option
def status(name: str | None) -> None:
    """Say what is in it."""
    from cruddur_ops.sandbox import control

    click.echo(control.status(name))


@sandbox.command()
@name_option
def env(name: str | None) -> None:
    """Print the lines that let any AWS client use it: eval "$(cruddur-ops sandbox env)"."""
    from cruddur_ops.sandbox import control

    click.echo(control.exports(name))


@sandbox.command()
@click.argument("address")
@name_option
def move(address: str, name: str | None) -> None:
    """Give the operator another public ADDRESS, as a VPN would: the rule no longer lets you in."""
    from cruddur_ops.sandbox import control

    control.move_operator(address, name)
    click.echo(f"the operator comes from {address} now: `cruddur-ops security-group open` moves the rule")
