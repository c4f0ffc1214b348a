"""`cruddur-ops sandbox VERB`."""

from __future__ import annotations

from types import ModuleType

import click

from cruddur_ops.cli.options import name_option
from cruddur_ops.errors import SandboxNotUp


def installed() -> ModuleType:
    """The public face of rds_sandbox, which a production install does without."""
    try:
        import rds_sandbox
    except ModuleNotFoundError as error:
        raise SandboxNotUp("there is no sandbox in this environment: pip install 'cruddur-ops[sandbox]'") from error
    return rds_sandbox


@click.group()
def sandbox() -> None:
    """The fake AWS with a real Postgres, on this machine."""


@sandbox.command()
@name_option
def up(name: str | None) -> None:
    """Start it in the background, and return when it is ready."""
    click.echo("the sandbox is up" if installed().up(name) else "the sandbox was up already")


@sandbox.command()
@name_option
def down(name: str | None) -> None:
    """End it, and everything in it."""
    click.echo("the sandbox is down" if installed().down(name) else "no sandbox was up")


@sandbox.command()
@name_option
def status(name: str | None) -> None:
    """Say what is in it."""
    click.echo(installed().status(name))


@sandbox.command()
@name_option
def env(name: str | None) -> None:
    """Print the lines that let any AWS client use it: eval "$(cruddur-ops sandbox env)"."""
    click.echo(installed().exports(name))


@sandbox.command()
@click.argument("identifier")
@name_option
def maintenance(identifier: str, name: str | None) -> None:
    """Let the maintenance window of the DB instance IDENTIFIER come: what waits for it is done."""
    installed().drill("/maintenance-window", {"DBInstanceIdentifier": identifier}, name)
    click.echo(f"the maintenance window of {identifier} has begun")


@sandbox.command()
@click.argument("identifier")
@click.argument("action")
@name_option
def announce(identifier: str, action: str, name: str | None) -> None:
    """Announce a maintenance ACTION, such as system-update, for the DB instance IDENTIFIER."""
    installed().drill("/maintenance-action", {"DBInstanceIdentifier": identifier, "Action": action}, name)
    click.echo(f"{identifier} has a pending {action}: `cruddur-ops sandbox maintenance {identifier}` applies it")


@sandbox.command()
@click.argument("identifier")
@click.argument("seconds")
@name_option
def lag(identifier: str, seconds: str, name: str | None) -> None:
    """Let the read replica IDENTIFIER apply each commit SECONDS late."""
    installed().drill("/replica-lag", {"DBInstanceIdentifier": identifier, "Seconds": seconds}, name)
    click.echo(f"{identifier} applies each commit {seconds} s late now")


@sandbox.command()
@click.argument("seconds")
@name_option
def pace(seconds: str, name: str | None) -> None:
    """Let each status of a DB instance last SECONDS at least; at first it is RDS_SANDBOX_PACE, else 0.3."""
    installed().drill("/pace", {"Seconds": seconds}, name)
    click.echo(f"each status lasts {seconds} s at least now")


@sandbox.command()
@click.argument("address")
@name_option
def move(address: str, name: str | None) -> None:
    """Give the operator another public ADDRESS, as a VPN would: the rule no longer lets you in."""
    installed().move_operator(address, name)
    click.echo(f"the operator comes from {address} now: `cruddur-ops security-group open` moves the rule")


@sandbox.command()
@name_option
def codes(name: str | None) -> None:
    """Print the codes that Cognito would have sent to users: code, purpose, user name, user pool."""
    click.echo(installed().confirmation_codes(name) or "no code is waiting to be used")
