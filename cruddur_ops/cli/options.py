"""The options that several verbs share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from cruddur_ops.targets import Target

target_option = click.option("--target", default="local", show_default=True, help="A section of targets.toml.")
confirm_option = click.option("--confirm", default="", help="The DB instance identifier, to change a protected target.")
name_option = click.option("--name", default=None, help="A sandbox other than the default one.")


def announce(verb: str, target: Target, *, err: bool = False) -> None:
    """Say what is done, on which target, and to which database of which server; on standard error where a program reads."""
    from cruddur_ops.database.location import locate

    click.echo(f"{verb} on {target.name}: {locate(target)}", err=err)
