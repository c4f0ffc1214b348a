"""`cruddur-ops security-group VERB`."""

from __future__ import annotations

import click

from cruddur_ops.cli.options import confirm_option, target_option
from cruddur_ops.cli.rds import carry_out, load_target


@click.group("security-group")
def security_group() -> None:
    """The rule that lets the operator in."""


@security_group.command("open")
@target_option
@confirm_option
def open_(target: str, confirm: str) -> None:
    """Admit the operator's present address, and no older one."""
    from cruddur_ops import network

    carry_out(network.plan_access(load_target(target, confirm)))
