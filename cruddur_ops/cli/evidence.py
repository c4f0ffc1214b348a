"""`cruddur-ops evidence VERB` and `cruddur-ops runs`."""

from __future__ import annotations

import click


@click.group()
def evidence() -> None:
    """The folders that runs leave behind."""


@evidence.command()
@click.argument("run", default="last")
@click.option("--seal", default="", metavar="DIGITS", help="The seal that the run printed, or how it begins.")
def verify(run: str, seal: str) -> None:
    """Check that the folder of RUN (the last one by default) is as the run left it."""
    from cruddur_ops.runbook import runs
    from cruddur_ops.runbook.evidence import history, manifest

    folder = history.find(run, runs.RUNS)
    click.echo(f"{folder.name} is as the run left it; its seal is {manifest.verify(folder, seal)}")


@click.command("runs")
@click.argument("two", nargs=-1, metavar="[RUN RUN]")
def list_runs(two: tuple[str, ...]) -> None:
    """List the runs that left a folder, oldest first; or compare two of them."""
    from cruddur_ops.errors import WrongInput
    from cruddur_ops.runbook import runs
    from cruddur_ops.runbook.evidence import history

    if not two:
        click.echo(history.listing(runs.RUNS))
    elif len(two) == 2:
        click.echo(history.compare(*(history.find(name, runs.RUNS) for name in two)))
    else:
        raise WrongInput("name two runs to compare them, or none to list all")
