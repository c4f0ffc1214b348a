"""`cruddur-ops run`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import click

from cruddur_ops.cli.options import confirm_option, target_option


@click.command()
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
