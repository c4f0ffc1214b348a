"""`cruddur-ops fleet VERB`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cruddur_ops.cli.groups import DRIFT
from cruddur_ops.errors import OpsError, WrongInput

if TYPE_CHECKING:
    from cruddur_ops.fleet import Fleet
    from cruddur_ops.fleet.order import Report

names = click.argument("names", nargs=-1, metavar="[NAME]...")
wanted = click.option("--targets", multiple=True, metavar="PATTERN", help="Such as 'prod-*', or a tag such as team=payments.")
given = click.option("-p", "given", nargs=2, multiple=True, metavar="NAME VALUE", help="A parameter of the notebooks.")
most = click.option("--max-concurrency", "most", type=click.IntRange(1, 1000), default=10, show_default=True, help="At a time.")
seconds = click.option("--timeout", "seconds", type=click.IntRange(0), default=0, help="Seconds for each target; 0 for no limit.")
scheduler = click.option("--scheduler", default="", metavar="tls://HOST:PORT", help="A Dask scheduler that is there.")
evidence = click.option("--evidence", "evidence_url", default="", metavar="URL", help="Copy each run's folder to s3://there.")
name = click.argument("name", default="last")


@click.group()
def fleet() -> None:
    """The same notebooks on many targets, on this machine or on Dask's workers."""


@fleet.command()
@names
@wanted
@given
@most
@click.option("--waves", default="1,100%", show_default=True, help="Sizes, or percentages of all; the first target goes alone.")
@click.option("--max-errors", "errors", default="0", show_default=True, help="How many may fail, or what percentage.")
@click.option("--approved", default="", metavar="DIGEST", help="Apply exactly the plans with this digest.")
@seconds
@scheduler
@evidence
def run(names: tuple[str, ...], given: tuple[tuple[str, str], ...], **options: Any) -> None:
    """Run notebooks on each target, the canary first, then in waves."""
    from cruddur_ops import fleet
    from cruddur_ops.runbook import runs

    if options["approved"] and (names or given or options["targets"]):
        raise WrongInput("--approved takes notebooks, targets and parameters from the plans: leave out the other options")
    wish = fleet.Wish(notebooks=names, given=dict(given), **options)
    _carry_out(lambda: fleet.begin(wish, runs.RUNS))


@fleet.command()
@names
@wanted
@given
@most
@seconds
@scheduler
def plan(names: tuple[str, ...], given: tuple[tuple[str, str], ...], **options: Any) -> None:
    """Show what would change on each target, and change nothing: exit code 0 for nothing, 2 for something, 1 for a failure."""
    from cruddur_ops import fleet
    from cruddur_ops.runbook import runs

    wish = fleet.Wish(notebooks=names, given=dict(given), plan_only=True, **options)
    done = _carry_out(lambda: fleet.begin(wish, runs.RUNS))
    digest = done.facts["digest"][:12]
    click.echo(f"plans {digest}: apply exactly these with `cruddur-ops fleet run --approved {digest}`")
    if any(report.changes for report in done.record.reports().values()):
        raise SystemExit(DRIFT)


@fleet.command()
@name
@most
@scheduler
def resume(name: str, **options: Any) -> None:
    """Go on with the targets of a fleet that have not passed."""
    from cruddur_ops import fleet
    from cruddur_ops.runbook import runs

    _carry_out(lambda: fleet.resumed(name, runs.RUNS, fleet.Wish(**options)))


@fleet.command()
@name
def status(name: str) -> None:
    """Show how a fleet stands: each target, and what differs between them."""
    from cruddur_ops.fleet import page, record
    from cruddur_ops.runbook import runs

    click.echo(page.text(record.find(name, runs.RUNS)))


def _carry_out(begin: Callable[[], Fleet]) -> Fleet:
    """Run it, with a bar and a line for each target; a target that has not passed is exit code 1."""
    from tqdm import tqdm

    from cruddur_ops import runbook
    from cruddur_ops.cli.run import sandbox_for
    from cruddur_ops.errors import RunFailed
    from cruddur_ops.fleet import carry_out, page
    from cruddur_ops.runbook.evidence import storage

    made = begin()
    folder = made.record.folder
    with runbook.interruptible(), sandbox_for(made.needs_sandbox), _page(folder):
        targets = [target for wave in made.left for target in wave]
        width = max(map(len, targets))
        with tqdm(desc=made.record.name, total=len(targets), file=sys.stderr, disable=None, leave=False, unit="target") as bar:

            def tell(report: Report) -> None:
                bar.write(page.line(report, width), file=sys.stderr)
                bar.update()

            made = carry_out(made, tell, lambda text: bar.write(text, file=sys.stderr))
    click.echo(page.end(made.record))
    click.echo(f"evidence: {folder / page.NAME}")
    if url := made.facts["evidence_url"]:
        click.echo(f"copy: {storage.copy(folder, url)}/{page.NAME}")
    if made.record.verdict != "passed":
        raise RunFailed(f"not all have passed: go on with `cruddur-ops fleet resume {made.record.name}`")
    return made


@contextmanager
def _page(folder: Path) -> Iterator[None]:
    """Show how it stands, before and after: evidence that cannot be stored ends a fleet that has not begun."""
    from cruddur_ops.fleet import page

    page.write(folder)
    try:
        yield
    except BaseException:
        with suppress(OpsError):
            page.write(folder)
        raise
    page.write(folder)
