"""The groups of verbs, and what all of them share: an expected failure is one sentence, and an exit code."""

import errno
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import click

from cruddur_ops.errors import DEFAULT_TARGET, OpsError, RunFailed, RunInterrupted, aimed
from cruddur_ops.redaction import redact
from cruddur_ops.state import require_checkout

# What to do after an interrupt, where a repetition would do more than the verb was asked for.
AGAIN: Mapping[tuple[str, ...], str] = {
    ("db", "rollback"): "see with `cruddur-ops db status` what is left before you repeat it: each rollback undoes one"
}
DRIFT = 2  # the exit code of a plan that differs, as `terraform plan -detailed-exitcode` has it


class Commands(click.Group):
    """A group whose expected failures are one sentence on standard error, and an exit code; remedies name the target.

    With --plan the code 2 says that something differs, so that wrong input ends with 1 there, as all failures do.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Remember whether a plan is asked for: even a wrong option has another code then."""
        asked = args[: args.index("--") if "--" in args else None]
        ctx.meta["plan"] = "--plan" in asked or asked[:2] == ["fleet", "plan"]
        ctx.meta["again"] = AGAIN.get(tuple(asked[:2]), "repeat the command, it converges")
        ctx.meta["target"] = _value("--target", asked)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the verb."""
        try:
            with _terminable():
                return super().invoke(ctx)
        except click.UsageError as error:
            if not ctx.meta["plan"]:
                raise
            error.show()
            ctx.exit(OpsError.exit_code)
        except _expected() as error:
            said = str(error)  # what a run tells was said by notebooks, which know their target
            if not isinstance(error, RunFailed):
                said = aimed(said, ctx.meta["target"])
            click.echo(redact(said), err=True)
            ctx.exit(_code(ctx, error.exit_code))
        except OSError as error:
            if error.errno == errno.EPIPE:  # click's to handle: whoever reads has seen enough
                raise
            remedy = "give it room, or name another, then repeat"
            click.echo(f"{error.filename or 'standard output'} cannot be used ({error.strerror}): {remedy}", err=True)
            ctx.exit(OpsError.exit_code)
        except KeyboardInterrupt:
            click.echo(f"interrupted: {ctx.meta['again']}", err=True)
            ctx.exit(RunInterrupted.exit_code)


@contextmanager
def _terminable() -> Iterator[None]:
    """SIGTERM ends a verb as Ctrl-C does, so that what it began at a server ends, too; a program's threads have no signals."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _value(option: str, args: list[str]) -> str:
    """Of --target; the default one where it is not given."""
    words = " ".join(args).replace(f"{option}=", f"{option} ").split()
    return words[words.index(option) + 1] if option in words[:-1] else DEFAULT_TARGET


def _code(ctx: click.Context, code: int) -> int:
    return OpsError.exit_code if code == DRIFT and ctx.meta["plan"] else code


def _expected() -> tuple[type[OpsError], ...]:
    """Our failures, and the sandbox's where it was used: they too have a sentence and an exit code."""
    sandbox = sys.modules.get("rds_sandbox")
    return (OpsError, sandbox.SandboxError) if sandbox else (OpsError,)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="cruddur-ops")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Run Cruddur's Postgres on Amazon RDS: in the sandbox by default, on AWS with --target."""
    if ctx.invoked_subcommand != "sandbox":
        require_checkout()


def _group(name: str, text: str) -> click.Group:
    found = click.Group(name, help=text)
    main.add_command(found)
    return found


db = _group("db", "The database on the DB instance, or at CONNECTION_URL.")
rds = _group("rds", "The DB instance: its state, and every step of its life.")
security_group = _group("security-group", "The rule that lets the operator in.")
rehearse = _group("rehearse", "A step on a copy of the DB instance, which is made for it and cleared away: what it would do.")
iam = _group("iam", "The least privilege for what the notebooks do.")
evidence = _group("evidence", "The folders that runs leave behind.")
users = _group("users", "The users of the application, in the user pool and in the database.")


@main.group(invoke_without_command=True)
@click.option("--target", default=None, help="A section of targets.toml; all of them by default.")
@click.pass_context
def targets(ctx: click.Context, target: str | None) -> None:
    """Show every setting of a target with its value and where that came from."""
    if ctx.invoked_subcommand is None:
        from cruddur_ops.targets import load, read_targets

        for one in map(load, read_targets() if target is None else [target]):
            click.echo(f"[{one.name}]")
            for setting, value, source in one.rows():
                click.echo(f"{setting:38} {value or '-':40} {source}")
