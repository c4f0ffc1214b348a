"""The options and arguments of the verbs."""

import math
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import click

from cruddur_ops import limits
from cruddur_ops.errors import WrongInput
from cruddur_ops.limits import Limit
from cruddur_ops.target import SETTINGS


def moment(text: str) -> datetime:
    """A time as it is typed."""
    try:
        found = datetime.fromisoformat(text)
        found.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise click.UsageError(f"{text!a} is no time: write it as 2026-11-20T14:03:00+00:00") from error
    return found


def within(limit: Limit) -> Callable[[click.Context, click.Parameter, str | None], str | None]:
    """A callback that refuses what a value may not be, before anything is asked of AWS."""

    def check(_: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
        if value is not None and not limit.holds(value):
            raise WrongInput(f"{parameter.human_readable_name} cannot be {value[:60]!a}: it is {limit.words}")
        return value

    return check


def with_scale(context: click.Context, _: click.Parameter, value: int | None) -> int | None:
    """Refuse the number of synthetic data where none are asked for."""
    if value is not None and not context.params.get("scale"):
        raise WrongInput("--seed-number says which synthetic data: give --scale too, or leave it out")
    return value


def finite(_: click.Context, parameter: click.Parameter, value: float) -> float:
    """Refuse a time that never ends."""
    if not math.isfinite(value):
        raise WrongInput(f"{parameter.human_readable_name} cannot be {value}: give a number of seconds")
    return value


target_option = click.option("--target", default="local", show_default=True, help="A section of targets.toml.")
confirm_option = click.option("--confirm", default="", help="The DB instance identifier; a protected target asks for it.")
name_option = click.option("--name", default=None, help="A sandbox other than the default one.")

LOOK = (target_option,)
STEP = (target_option, confirm_option)
SNAPSHOT, NEW_SNAPSHOT = (click.argument("name", callback=within(limit)) for limit in (limits.SNAPSHOT, limits.NEW_SNAPSHOT))
IDENTIFIER, INCOMING = (click.argument(name, callback=within(limits.NAME)) for name in ("identifier", "incoming"))
FORCE = click.option("--force", is_flag=True, help="End the sessions of those who are connected.")
SCALE_HELP = "Generate N activities instead."
SEED = (
    click.option("--scale", type=click.IntRange(min=1), default=None, is_eager=True, metavar="N", help=SCALE_HELP),
    click.option("--seed-number", type=int, default=None, callback=with_scale, help="Same number, same data; 1 by default."),
)
AS_JSON = click.option("--json", "as_json", is_flag=True, help="As JSON, for a program.")
DIAGNOSE = (
    click.option("--function", is_flag=True, help="Why the post-confirmation function can, or cannot, reach it."),
    AS_JSON,
)
BLOCKED = (
    click.option("--upgrade", "version", default=None, callback=within(limits.VERSION), help="The version, such as 18 or 18.1."),
    click.option("--restore", "snapshot", default=None, callback=within(limits.SNAPSHOT), help="The name of the snapshot."),
    AS_JSON,
)
COUNT = click.IntRange(1, 10_000)
BATCH = click.option("--batch", type=COUNT, default=1000, show_default=True, help="How many activities at a time.")
IDLE_HELP = "Only those idle for longer, as in 30m or 2h."
IDLE = click.option("--idle-longer-than", "idle", default="", metavar="TIME", help=IDLE_HELP)
DATABASE = click.option("--confirm", default="", help="The database's name: to adopt it, or to drop that of a protected target.")
LINES = click.option("--lines", type=COUNT, default=5, show_default=True, help="Of the log, and of the events.")
LAST_LINES = click.option("--lines", type=COUNT, default=20, show_default=True)
STOP = (
    click.option("--force", is_flag=True, help="Stop it although somebody is connected."),
    click.option("--keep", is_flag=True, help="Also make the schedule that stops it anew when AWS starts it after 7 days."),
)
WINDOW_HELP = "Make every change now, or let what can wait, wait for the maintenance window. By default now, unless protected."
PLAN_HELP = "Only show what differs: exit code 0 for nothing, 2 for something, 1 for a failure."
MODIFY = (
    click.option("--at-once/--window", default=None, help=WINDOW_HELP),
    click.option("--plan", "plan_only", is_flag=True, help=PLAN_HELP),
)
KEEP_HELP = "What the present instance is called from then on."
KEEP_AS = click.option("--keep-as", "outgoing", required=True, callback=within(limits.NAME), metavar="IDENTIFIER", help=KEEP_HELP)
TIME_HELP = "Or the moment, such as 2026-11-20T14:03:00+00:00."
RESTORE = (
    click.option("--snapshot", "name", default=None, callback=within(limits.SNAPSHOT), help="The snapshot to restore."),
    click.option("--time", "moment", type=moment, default=None, metavar="TIME", help=TIME_HELP),
)
LAST_HELP = 'The name of the last snapshot, or "none" for none.'
LAST = click.option("--final-snapshot", required=True, metavar="NAME", help=LAST_HELP)
USER_POOL_HELP = "The id of the user pool that is to go with its users; without it, a pool that has users stays."
USER_POOL = click.option("--user-pool", default="", metavar="POOL_ID", help=USER_POOL_HELP)
REGION_HELP = "Where to look; repeat it for several. By default the target's."
REGION = click.option("--region", "regions", multiple=True, help=REGION_HELP)
ADOPT = (
    click.option("--target", "name", required=True, help="The name of the new section of targets.toml."),
    click.option("--region", envvar=["AWS_REGION", "AWS_DEFAULT_REGION"], help="Where the instance is."),
    click.option("--profile", envvar="AWS_PROFILE", help="The profile with whose rights to look."),
    click.option("--sandbox", is_flag=True, help="The instance is in the sandbox."),
)
TIMEOUT = click.option(
    "--timeout", type=click.FloatRange(min=0), callback=finite, default=300, show_default=True, help="Seconds."
)
FOR_PSQL = click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[-- PSQL ARGUMENTS]")
COMMAND = click.argument("command", nargs=-1, type=click.UNPROCESSED, required=True, metavar="-- PROGRAM [ARGUMENTS]")
WITH_PASSWORD = click.option("--with-password", is_flag=True, help="With the password in it; refused in a run and in a notebook.")
COPY_HELP = "The DB instance that has the copy; behind a connection URL a database of the same server."
RECOVER = (
    click.argument("table"),
    click.option("--where", required=True, metavar="CONDITION", help="Which rows of the copy: what follows WHERE in SQL."),
    click.option("--from", "copy", required=True, metavar="COPY", help=COPY_HELP),
)


def counted(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> tuple[tuple[str, int], ...]:
    """TABLE=N, as often as it is given."""
    parted = [value.rpartition("=") for value in values]
    if any(not table or not number.isdecimal() for table, _, number in parted):
        raise WrongInput("--rows takes a table and how many rows production has there: write it as activities=5000000")
    return tuple((table, int(number)) for table, _, number in parted)


NEWEST_HELP = "How many of the newest `check` looks at."
ROWS_HELP = "For `check`: how many rows a table has in production; by default what the evidence of the last run there says."
MIGRATION = (
    click.argument("name", metavar="NAME|check"),
    click.option("--newest", type=click.IntRange(min=1), default=1, show_default=True, help=NEWEST_HELP),
    click.option("--rows", multiple=True, callback=counted, metavar="TABLE=N", help=ROWS_HELP),
)
RUN = (
    click.argument("run", default="last"),
    click.option("--seal", default="", metavar="DIGITS", help="The seal that the run printed, or how it begins."),
)
TWO_RUNS = click.argument("two", nargs=-1, metavar="[RUN RUN]")
NOTEBOOKS = click.argument("notebooks", nargs=-1, metavar="[NOTEBOOK]...")
BOUNDARY_HELP = "The permissions boundary for the function's role instead."
BOUNDARY = click.option("--boundary", "as_boundary", is_flag=True, help=BOUNDARY_HELP)
REHEARSE = click.option("--rehearse", "rehearsed", is_flag=True, help="On a copy of the instance first, with a report.")
VERSION = click.argument("version", callback=within(SETTINGS["engine_version"].metadata["limit"]))
CLASS_HELP, TYPE_HELP = "Such as db.t4g.small.", "Such as gp3."
MODIFICATION = (
    click.option("--class", "instance_class", default="", help=CLASS_HELP),
    click.option("--storage-type", default="", help=TYPE_HELP),
)
FILE = click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
FROM_HELP = "Make the copy of this snapshot; by default it is of this moment."
REHEARSAL = (click.option("--snapshot", default="", help=FROM_HELP), AS_JSON)
SCHEMA = click.option("--schema", is_flag=True, help="Also bring its tables, with their rows, to sql/schema.sql.")
