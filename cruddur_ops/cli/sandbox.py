"""`cruddur-ops sandbox VERB`: what `rds-sandbox` does, by the public face of rds_sandbox."""

import json
import pkgutil
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from cruddur_ops import state
from cruddur_ops.cli.options import name_option
from cruddur_ops.errors import SandboxNotUp

# A verb, what it simulates, its arguments, its help, and what is said then.
SIMULATING = (
    (
        *("maintenance", "maintenance", ("identifier",)),
        "Let the maintenance window of the DB instance IDENTIFIER come: what waits for it is done.",
        "the maintenance window of {identifier} has begun",
    ),
    (
        *("announce", "announce", ("identifier", "action")),
        "Announce a maintenance ACTION, such as system-update, for the DB instance IDENTIFIER.",
        "{identifier} has a pending {action}: `cruddur-ops sandbox maintenance {identifier}` applies it",
    ),
    (
        *("lag", "lag", ("identifier", "seconds")),
        "Let the read replica IDENTIFIER apply each commit SECONDS late.",
        "{identifier} applies each commit {seconds} s late now",
    ),
    (
        *("pace", "delay", ("seconds",)),
        "Let each status of a DB instance last SECONDS at least; at first it is RDS_SANDBOX_DELAY, else 0.3.",
        "each status lasts {seconds} s at least now",
    ),
    (
        *("move", "address", ("address",)),
        "Give the operator another public ADDRESS, as a VPN would: the rule no longer lets you in.",
        "the operator comes from {address} now: `cruddur-ops security-group open` moves the rule",
    ),
)


def installed() -> Any:
    """The public face of rds_sandbox, which a production install does without."""
    found = state.rds_sandbox()
    if found is None:
        raise SandboxNotUp("there is no sandbox in this environment: `pip install 'cruddur-ops[sandbox]'` brings it")
    return found


@contextmanager
def postgres() -> Iterator[str]:
    """The connection URL of a bare server, set up as that of a DB instance, for as long as the block runs."""
    from sqlalchemy.engine import URL

    installed()
    user, password = "check", secrets.token_hex(16)
    with pkgutil.resolve_name("rds_sandbox.postgres:standalone")(user, password) as server:
        url = URL.create("postgresql", user, password, database=user, query={"host": str(server.folder)})
        yield url.render_as_string(hide_password=False)


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
    click.echo(installed().find(name).status())


@sandbox.command()
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object instead of lines for a shell.")
@name_option
def env(name: str | None, as_json: bool) -> None:
    """Print the lines that let any AWS client use it: eval "$(cruddur-ops sandbox env)"."""
    found = installed().find(name)
    click.echo(json.dumps(found.environment, indent=2) if as_json else found.exports())


@sandbox.command()
@name_option
def codes(name: str | None) -> None:
    """Print the codes that Cognito would have sent to users: code, purpose, user name, user pool."""
    click.echo("\n".join(installed().find(name).confirmation_codes()) or "no code is waiting to be used")


def _simulating(verb: str, simulation: str, keys: tuple[str, ...], text: str, said: str) -> click.Command:
    def simulate(name: str | None, **values: str) -> None:
        installed().find(name).simulate(simulation, **values)
        click.echo(said.format(**values))

    return name_option(click.Command(verb, callback=simulate, params=[click.Argument([key]) for key in keys], help=text))


for row in SIMULATING:
    sandbox.add_command(_simulating(*row))
