"""The command line: one call for each verb. Imports wait for the verb, so that `--help` is quick."""

from __future__ import annotations

import sys
from typing import Any

import click

from cruddur_ops.cli import db_inspect, rds_copies
from cruddur_ops.cli.db import db
from cruddur_ops.cli.evidence import evidence, list_runs
from cruddur_ops.cli.rds import expired, rds_group
from cruddur_ops.cli.run import run
from cruddur_ops.cli.sandbox import sandbox
from cruddur_ops.cli.security_group import security_group
from cruddur_ops.cli.targets import targets
from cruddur_ops.cli.users import users
from cruddur_ops.errors import OpsError, RunInterrupted
from cruddur_ops.redaction import redact
from cruddur_ops.state import require_checkout


class Commands(click.Group):
    """A group whose expected failures are one sentence on standard error, and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the verb."""
        try:
            return super().invoke(ctx)
        except _expected() as error:
            click.echo(redact(str(error)), err=True)
            ctx.exit(error.exit_code)
        except KeyboardInterrupt:
            click.echo("interrupted: repeat the command, it converges", err=True)
            ctx.exit(RunInterrupted.exit_code)


def _expected() -> tuple[type[OpsError], ...]:
    """Our failures, and the sandbox's where it was used: they too have a sentence and an exit code."""
    sandbox = sys.modules.get("rds_sandbox")
    return (OpsError, sandbox.SandboxError) if sandbox else (OpsError,)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="cruddur-ops")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Run Cruddur's Postgres on Amazon RDS: in the sandbox by default, on AWS with --target."""
    if ctx.invoked_subcommand != sandbox.name:
        require_checkout()


for command in (run, list_runs, evidence, db, security_group, targets, sandbox, rds_group, expired, users):
    main.add_command(command)
for verb in db_inspect.VERBS:
    db.add_command(verb)
for verb in rds_copies.VERBS:
    rds_group.add_command(verb)
