"""`cruddur-ops targets`."""

from __future__ import annotations

import click


@click.command()
@click.option("--target", default=None, help="A section of targets.toml; all of them by default.")
def targets(target: str | None) -> None:
    """Show every setting of a target with its value and where that came from."""
    from cruddur_ops.targets import load, read_targets

    for name in [target] if target else read_targets():
        click.echo(f"[{name}]")
        for setting, value, source in load(name).rows():
            click.echo(f"{setting:38} {value or '-':40} {source}")
