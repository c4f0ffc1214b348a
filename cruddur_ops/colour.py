"""A plan and what was verified in colour, where a terminal reads it. The symbols and words stay: they say the same without."""

import os

import click

COLOURS = {"  + ": "green", "  ~ ": "yellow", "  - ": "red", "verified:": "green"}  # by how a line begins


def echo(text: object, *, err: bool = False) -> None:
    """Print lines; without colours where no terminal reads them, and where NO_COLOR asks for that (https://no-color.org)."""
    click.echo("\n".join(map(_coloured, str(text).split("\n"))), err=err, color=False if os.environ.get("NO_COLOR") else None)


def _coloured(line: str) -> str:
    found = next((colour for start, colour in COLOURS.items() if line.startswith(start)), None)
    return click.style(line, fg=found) if found else line
