"""The options that several verbs share."""

from __future__ import annotations

import click

target_option = click.option("--target", default="local", show_default=True, help="A section of targets.toml.")
confirm_option = click.option("--confirm", default="", help="The DB instance identifier, to change a protected target.")
name_option = click.option("--name", default=None, help="A sandbox other than the default one.")
