"""`cruddur-ops db expire` and `seed --scale`: many rows at a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from cruddur_ops.cli.options import announce, confirm_option, target_option

if TYPE_CHECKING:
    from cruddur_ops.plan import Outcome, Plan
    from cruddur_ops.targets import Target


def at_rate(verb: str, target: str, plan: Callable[[Target], Plan], act: Callable[[Target], Outcome]) -> None:
    """Say where, show the plan, do it, and say what it came to and how quickly."""
    from cruddur_ops.targets import load

    loaded = load(target)
    announce(verb, loaded)
    click.echo(plan(loaded))
    began = time.monotonic()
    outcome = act(loaded)
    seconds = time.monotonic() - began
    done = outcome.created + outcome.deleted
    click.echo(str(outcome) + (f" in {seconds:.1f} s, {done / seconds:,.0f} rows a second" if done else ""))


def scale(target: str, confirm: str, activities: int, seed_number: int) -> None:
    """What `seed --scale` does."""
    from cruddur_ops.database import scale as scaling

    at_rate(
        "seed",
        target,
        lambda loaded: scaling.plan_load(loaded, activities, seed_number),
        lambda loaded: scaling.load(loaded, activities, seed_number, confirm),
    )


@click.command()
@target_option
@confirm_option
@click.option("--batch", type=click.IntRange(1, 10_000), default=1000, show_default=True, help="How many activities at a time.")
def expire(target: str, confirm: str, batch: int) -> None:
    """Remove activities that have expired, while the feeds go on."""
    from cruddur_ops.database import expire as expiring

    at_rate("expire", target, expiring.plan_expire, lambda loaded: expiring.expire(loaded, confirm, batch))
