"""`cruddur-ops security-group VERB`."""

from __future__ import annotations

import click

from cruddur_ops.cli.options import confirm_option, target_option


@click.group("security-group")
def security_group() -> None:
    """The rule that lets the operator in."""


@security_group.command("open")
@target_option
@confirm_option
def open_(target: str, confirm: str) -> None:
    """Admit the operator's present address, and no older one."""
    from cruddur_ops import network
    from cruddur_ops.targets import load

    plan = network.plan_access(load(target, confirm))
    click.echo(plan)
    click.echo(plan.apply())
