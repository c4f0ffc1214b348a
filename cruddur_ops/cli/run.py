"""`cruddur-ops run`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cruddur_ops.cli.groups import DRIFT
from cruddur_ops.cli.options import confirm_option, target_option
from cruddur_ops.errors import WrongInput

if TYPE_CHECKING:
    from cruddur_ops.runbook import Request

SELECTING = ("names", "only", "first", "last", "everything", "target", "given", "parameters", "plan")
PLAN_HELP = "Show what would change, and change nothing: exit code 0 for nothing, 2 for something, 1 for a failure."
SECONDS = click.IntRange(min=1)


class RunCommand(click.Command):
    """The verb, whose help lists the parameters of the notebooks that are named beside it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Remember the names: the help is shown before they are processed."""
        names = self.make_parser(ctx).parse_args(list(args))[0].get("names")
        ctx.meta["names"] = names if isinstance(names, tuple) else ()
        return super().parse_args(ctx, args)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the parameters."""
        if not ctx.meta["names"]:
            formatter.write("\n  `cruddur-ops run 01 --help` lists the parameters of that notebook.\n")
            return
        from cruddur_ops.runbook import Selection, notebooks

        for path in notebooks.select(notebooks.NOTEBOOKS, Selection(ctx.meta["names"])):
            notebook = notebooks.read(path)
            with formatter.section(f"Parameters of {notebook.name} (-p NAME VALUE)"):
                formatter.write_dl([(name, str(parameter)) for name, parameter in notebook.parameters.items()])


@click.command(cls=RunCommand)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@target_option
@confirm_option
@click.option("-p", "given", nargs=2, multiple=True, metavar="NAME VALUE", help="A parameter of the notebooks.")
@click.option("--parameters", type=click.Path(path_type=Path), help="A YAML or TOML file of parameters; -p comes first.")
@click.option("--all", "everything", is_flag=True, help="All notebooks, also those that stop, replace and delete.")
@click.option("--only", multiple=True, metavar="NAME", help="This notebook alone; the same as naming it.")
@click.option("--from", "first", default="", metavar="NAME", help="Begin with this notebook.")
@click.option("--until", "last", default="", metavar="NAME", help="End with this notebook.")
@click.option("--plan", is_flag=True, help=PLAN_HELP)
@click.option("--approved", metavar="DIGEST", help="Apply exactly the plan with this digest.")
@click.option("--plan-file", type=click.Path(path_type=Path), help="Where that plan is, if not in runs/.")
@click.option("--resume", metavar="RUN", help="Go on where this run ended: a folder of runs/, or last.")
@click.option("--cell-timeout", type=SECONDS, metavar="SECONDS", help="How long a cell may take; two hours by default.")
@click.option("--notebook-timeout", type=SECONDS, metavar="SECONDS", help="The same for a notebook; six hours by default.")
@click.option("--evidence", default="", metavar="URL", help="Copy the run's folder there, such as s3://bucket/folder.")
def run(**options: Any) -> None:
    """Run notebooks by name or number, 00 to 06 by default, up to the first failure.

    The executed notebooks and run.json are kept in runs/. Where the target is the sandbox and none
    is up, one is started for the length of the run.
    """
    from cruddur_ops import runbook
    from cruddur_ops.runbook import forkserver

    request = _request(options)
    with _left_aside(runbook.check(request).unwanted_variable):
        checked = runbook.check(request)
        forkserver.start()  # it loads while a sandbox starts
        with runbook.interruptible(), sandbox_for(checked.needs_sandbox):
            record = runbook.execute(runbook.check(request))
    if request.plan_only and any(result.differences for result in record.results):
        raise SystemExit(DRIFT)


def _request(options: dict[str, Any]) -> Request:
    """What the options ask for."""
    from cruddur_ops import runbook
    from cruddur_ops.runbook import runs

    limits = {f"{name}_seconds": options[f"{name}_timeout"] for name in ("cell", "notebook") if options[f"{name}_timeout"]}
    if options["plan_file"] and options["approved"] is None:
        raise WrongInput("--plan-file is where the plan of --approved is: give its digest too")
    own = runbook.Request(confirm=options["confirm"], evidence_url=options["evidence"], **limits)
    if options["approved"] is not None:  # an empty digest, from a variable that is not set, must not run everything
        _require_nothing_else("approved", "resume", "confirm")
        return runbook.apply_plan(options["approved"], options["plan_file"], runs.RUNS, own)
    if options["resume"] is not None:
        _require_nothing_else("resume")
        return runbook.resume(options["resume"], runs.RUNS, own)
    return runbook.Request(
        runbook.Selection((*options["names"], *options["only"]), options["everything"], options["first"], options["last"]),
        options["target"],
        options["confirm"],
        dict(options["given"]),
        options["parameters"],
        plan_only=options["plan"],
        evidence_url=options["evidence"],
        **limits,
    )


def _require_nothing_else(option: str, *others: str) -> None:
    """Refuse what the plan or the run that was named says already."""
    context = click.get_current_context()
    for name in (*SELECTING, *others):
        if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            raise WrongInput(f"--{option} takes notebooks, target and parameters from what it names: leave out the other options")


@contextmanager
def _left_aside(variable: str) -> Iterator[None]:
    """Take a variable out of the environment, and say so."""
    if not variable:
        yield
        return
    why = "this run makes a DB instance in the sandbox, and works on that"
    click.echo(f"{variable} is left aside: {why}; 03, 04 and 06 run alone would use it", err=True)
    value = os.environ.pop(variable)
    try:
        yield
    finally:
        os.environ[variable] = value


@contextmanager
def sandbox_for(needed: bool) -> Iterator[None]:
    """A throwaway sandbox in the environment, where one is needed."""
    if not needed:
        yield
        return
    from cruddur_ops.cli.sandbox import installed

    with installed().sandbox() as it, it.exported():
        click.echo("no sandbox is up: this run has its own, and takes it away at the end", err=True)
        yield
