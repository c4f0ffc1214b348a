"""A verb as data: what is typed, what it wants to know, and the function whose answer it tells."""

from __future__ import annotations

import inspect
import pkgutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from cruddur_ops import colour, limits, moment
from cruddur_ops.cli.answers import announce
from cruddur_ops.errors import WrongInput

if TYPE_CHECKING:
    from cruddur_ops.change import Outcome
    from cruddur_ops.plan import Plan


class VerbCommand(click.Command):
    """A verb of click's, which understands `prod` where nothing but `--target prod` can be meant."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Write a target's name that comes first, as in the scripts of old, as an option."""
        first, named = args[:1], any(one.partition("=")[0] == "--target" for one in args)
        if first and not first[0].startswith("-") and not named and self._takes_no_name(args[1:2] == ["--"]):
            from cruddur_ops.targets import read_targets

            if first[0] in read_targets():
                ctx.meta["target"], args = first[0], ["--target", *args]
        return super().parse_args(ctx, args)

    def _takes_no_name(self, apart: bool) -> bool:
        """Whether it acts on a target, and wants no other name that could be meant; a program's own is `apart`, after --."""
        required = [one for one in self.params if isinstance(one, click.Argument) and one.required]
        return (apart or not required) and "target" in [one.name for one in self.params]


@dataclass(frozen=True)
class Verb:
    """A row of the table of verbs.

    Attributes:
        group: where it belongs.
        name: what is typed.
        call: the function, or its name in the package, such as "database:plan_create", so that importing it waits. It is
            given the target, where the options have one, and the other options; what it answers is told, see `tell`.
        options: decorators of click.
        help: a sentence, and what else is to be said.
        announced: whether it says first on which database it acts.
        verified: whether its plans are verified; those of what never stands still are not.
    """

    group: click.Group
    name: str
    call: str | Callable[..., object]
    options: tuple[Callable[[click.Command], object], ...]
    help: str
    announced: bool = False
    verified: bool = True

    @property
    def function(self) -> Any:
        """The function itself; this imports it."""
        named: Any = self.call
        return pkgutil.resolve_name(f"cruddur_ops.{named}") if isinstance(named, str) else named

    def command(self) -> click.Command:
        """The row, for click."""
        command = VerbCommand(self.name, callback=self.run, help=inspect.cleandoc(self.help))
        for option in self.options:
            option(command)
        return command

    def run(self, target: str | None = None, confirm: str = "", **given: Any) -> None:
        """Call the function, and tell what it answers."""
        from cruddur_ops.targets import load

        for name, value in given.items():
            if isinstance(value, str) and not limits.is_utf8(value):
                raise WrongInput(f"{name} cannot be {value[:60]!a}: write it in UTF-8")
        where = [] if target is None else [load(target, confirm)]
        with moment.one():
            if self.announced:
                announce(self.name, *where)
            answer = self.function(*where, **given)
        tell(answer, verified=self.verified)


def tell(answer: object, *, verified: bool = True) -> None:
    """Carry a plan out, and print anything else; of a list or a generator each item when its turn comes."""
    from cruddur_ops.plan import Plan

    if isinstance(answer, Plan):
        carry_out(answer, verified=verified)
    elif isinstance(answer, list | Iterator):
        for one in answer:
            tell(one, verified=verified)
    elif answer is not None:  # what has told it itself
        colour.echo(answer)


def carry_out(plan: Plan, *, verified: bool = True) -> None:
    """Show a plan, make it, and show what that came to."""
    colour.echo(plan)
    began = time.monotonic()
    outcome = plan.apply()
    click.echo(f"{outcome}{_speed(plan, outcome, time.monotonic() - began)}")
    if verified:
        colour.echo(plan.verify())


def _speed(plan: Plan, outcome: Outcome, seconds: float) -> str:
    """How quickly it went, where it was about many rows."""
    rows = outcome.created + outcome.deleted if any(change.setting == "rows" for change in plan.mutating) else 0
    return f" in {seconds:.1f} s, {rows / seconds:,.0f} rows a second" if rows else ""
