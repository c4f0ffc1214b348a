"""The command line: one call for each verb. Imports wait for the verb, so that `--help` is quick."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from cruddur_ops.errors import OpsError, RunInterrupted


class Commands(click.Group):
    """A group whose expected failures are one sentence on standard error, and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the verb."""
        try:
            return super().invoke(ctx)
        except OpsError as error:
            click.echo(str(error), err=True)
            ctx.exit(error.exit_code)
        except KeyboardInterrupt:
            click.echo("interrupted: repeat the command, it converges", err=True)
            ctx.exit(RunInterrupted.exit_code)


target_option = click.option("--target", default="local", show_default=True, help="A section of targets.toml.")
confirm_option = click.option("--confirm", default="", help="The DB instance identifier, to change a protected target.")
name_option = click.option("--name", default=None, help="A sandbox other than the default one.")


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="cruddur-ops")
def main() -> None:
    """Run Cruddur's Postgres on Amazon RDS: in the sandbox by default, on AWS with --target."""


@main.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@target_option
@confirm_option
@click.option("-p", "given", nargs=2, multiple=True, metavar="NAME VALUE", help="A parameter of the notebooks.")
@click.option("--plan", is_flag=True, help="Show what would change, and change nothing.")
def run(names: tuple[str, ...], target: str, confirm: str, given: tuple[tuple[str, str], ...], plan: bool) -> None:
    """Run notebooks by name or number, 00 to 04 by default, up to the first failure.

    The executed notebooks and run.json are kept in runs/. Where the target is the sandbox and none
    is up, one is started for the length of the run.
    """
    from cruddur_ops import runbook

    request = (names, target, confirm, dict(given), plan)
    checked = runbook.check(*request)
    with runbook.interruptible(), _sandbox_for(checked.needs_sandbox):
        runbook.execute(runbook.check(*request))


@contextmanager
def _sandbox_for(needed: bool) -> Iterator[None]:
    """A throwaway sandbox in the environment, where one is needed."""
    if not needed:
        yield
        return
    from cruddur_ops.sandbox import control

    before = dict(os.environ)
    with control.throwaway() as variables:
        click.echo("no sandbox is up: this run has its own, and takes it away at the end", err=True)
        os.environ.update(variables)
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)


@main.command()
@click.option("--target", default=None, help="A section of targets.toml; all of them by default.")
def targets(target: str | None) -> None:
    """Show every setting of a target with its value and where that came from."""
    from cruddur_ops.targets import load, read_targets

    for name in [target] if target else read_targets():
        click.echo(f"[{name}]")
        for setting, value, source in load(name).rows():
            click.echo(f"{setting:38} {value or '-':40} {source}")


@main.group()
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


@main.group("security-group")
def security_group() -> None:
    """The rule that lets the operator in."""


@security_group.command("open")
@target_option
@confirm_option
def open_(target: str, confirm: str) -> None:
    """Admit the operator's present address, and no older one."""
    from cruddur_ops import network
    from cruddur_ops.targets import load

    loaded = load(target)
    plan = network.plan_access(loaded)
    click.echo(plan)
    click.echo(network.apply_access(plan, loaded, confirm))


@main.group()
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
