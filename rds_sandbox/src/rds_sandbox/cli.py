"""The command `rds-sandbox`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from rds_sandbox import control
from rds_sandbox.errors import SandboxError


def _up(name: str | None) -> str:
    """Start it in the background, and return when it is ready."""
    return "the sandbox is up" if control.up(name) else "the sandbox was up already"


def _down(name: str | None) -> str:
    """End it, and everything in it."""
    return "the sandbox is down" if control.down(name) else "no sandbox was up"


VERBS: dict[str, tuple[Callable[[str | None], str], str]] = {
    "up": (_up, "start it in the background, and return when it is ready"),
    "down": (_down, "end it, and everything in it"),
    "env": (control.exports, 'print the lines that let any AWS client use it: eval "$(rds-sandbox env)"'),
    "status": (control.status, "say what is in it"),
}


def main() -> None:
    """Run a verb; an expected failure is one sentence on standard error, and an exit code."""
    parser = argparse.ArgumentParser("rds-sandbox", description="RDS with a real PostgreSQL, on this machine.")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for verb, (_, text) in VERBS.items():
        verbs.add_parser(verb, help=text).add_argument("--name", help="a sandbox other than the default one")
    given = parser.parse_args()
    try:
        print(VERBS[given.verb][0](given.name))
    except SandboxError as error:
        print(error, file=sys.stderr)
        raise SystemExit(error.exit_code) from error
