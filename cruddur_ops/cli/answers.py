"""What those verbs answer that are no plain call of the package."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

import cruddur_ops as ops  # its parts are imported on first use
from cruddur_ops import colour, limits
from cruddur_ops.cli.groups import DRIFT
from cruddur_ops.errors import WrongInput

if TYPE_CHECKING:
    from cruddur_ops.change import Outcome
    from cruddur_ops.diagnosis.ladder import Ladder
    from cruddur_ops.plan import Plan
    from cruddur_ops.target import Target


def announce(verb: str, target: Target, *, err: bool = False, password: bool = False) -> None:
    """Say what is done, on which target, and to which database of which server; on standard error where a program reads.

    Whose the password is, is said where that matters.
    """
    from cruddur_ops.database.location import locate

    where = locate(target)
    click.echo(f"{verb} on {target.name}: {where}" + (f"; the password is {where.origin}" if password else ""), err=err)


def adopt(target: Target, schema: bool) -> Iterator[Plan]:
    """The label; then the schema with the rows. What stands in the way of that is found before the label is written."""
    from cruddur_ops.database import creation, takeover

    if schema:
        takeover.plan_takeover(target)
    yield creation.plan_adopt(target)
    if schema:
        yield takeover.plan_takeover(target)


def setup(target: Target, force: bool) -> Outcome:
    """A line for each step, then what all came to."""
    from cruddur_ops.database import steps

    return steps.setup(target, force=force, tell=click.echo)


def connect(target: Target, arguments: tuple[str, ...]) -> None:
    """No answer: the process becomes psql."""
    execute(target, ("psql", *arguments), "connect")


def execute(target: Target, command: tuple[str, ...], verb: str = "exec") -> None:
    """No answer: the process becomes that program."""
    from cruddur_ops.database import clients

    announce(verb, target, err=True)
    clients.execute(target, command[0], command[1:])


def env(target: Target) -> str:
    """Lines for a shell; beside them, whose password that is."""
    from cruddur_ops.database import clients

    announce("env", target, err=True, password=True)
    return clients.exports(target)


def url(target: Target, with_password: bool) -> str:
    """One line."""
    from cruddur_ops.database import clients

    answer = clients.url(target, with_password=with_password)
    announce("url", target, err=True, password=True)
    return answer


def alarms(target: Target) -> Plan:
    """The alarms; the server itself says how many may connect."""
    return ops.rds.plan_alarms(target, ops.database.connection_limit)


def wait(target: Target, timeout: float) -> str:
    """Where the server is, is known once it answers: an instance that is being created has no place yet."""
    from cruddur_ops.database.instance import wait_until_reachable as wait_for

    present = wait_for(target, timeout)
    announce("wait", target)
    return "the server answers" if present else "the server answers; the database is missing: `cruddur-ops db create`"


def diagnose(target: Target, function: bool, as_json: bool) -> None:
    """The ladder, and exit code 1 unless every step passed."""
    _climb(ops.cognito.diagnose(target) if function else ops.network.diagnose(target), as_json)


def diagnose_change(target: Target, version: str | None, snapshot: str | None, as_json: bool) -> None:
    """The ladder of an upgrade, or of a restore."""
    from cruddur_ops.diagnosis import blocked

    if version and not snapshot:
        _climb(blocked.upgrade(target, version), as_json)
    elif snapshot and not version:
        _climb(blocked.restore(target, snapshot), as_json)
    else:
        raise WrongInput("say what does not come about: --upgrade VERSION or --restore SNAPSHOT")


def _climb(found: Ladder, as_json: bool) -> None:
    click.echo(found.as_json() if as_json else found)
    if not found.sound:
        raise click.exceptions.Exit(1)


def seed(target: Target, scale: int | None, seed_number: int | None) -> Plan:
    """The rows of the file, or synthetic data."""
    from cruddur_ops.database import seeding, synthetic

    return synthetic.plan_load(target, scale, 1 if seed_number is None else seed_number) if scale else seeding.plan_seed(target)


def migrate(target: Target, rehearsed: bool) -> Iterator[str | Plan]:
    """The migrations; on a copy first, where that is asked for, and only if that passes."""
    from cruddur_ops.database import schema

    if rehearsed and schema.plan_migrations(target).mutating:
        yield from rehearse("Migrations", target)
    yield schema.plan_migrations(target)


def rehearse(kind: str, target: Target, snapshot: str = "", as_json: bool = False, **given: Any) -> Iterator[str]:
    """The report, and a failure where the step failed or is void; the plans of the copy go to standard error.

    Args:
        kind: the class of the step, such as "Upgrade", which is given what else was.
    """
    step = getattr(ops.rehearsal, kind)(**given)
    report = ops.rehearsal.rehearse(target, step, snapshot, lambda plan: colour.echo(plan, err=True))
    yield report.to_json() if as_json else str(report)
    report.require_passed().require_valid(target)


def migration(name: str, newest: int, rows: tuple[tuple[str, int], ...]) -> Iterator[str]:
    """Two files; or, called "check", what would be wrong with the newest in production."""
    from cruddur_ops.database import migrations

    if name == "check":
        yield from check(newest, dict(rows))
        return
    yield from (f"wrote {path}" for path in migrations.new_migration(name))


def check(newest: int, rows: dict[str, int]) -> Iterator[str]:
    """What was found, and a failure where production would wait; on a server that is there for that alone."""
    from cruddur_ops.cli.sandbox import postgres
    from cruddur_ops.rehearsal import check
    from cruddur_ops.runbook import runs
    from cruddur_ops.runbook.evidence import history

    with postgres() as url:
        local = ops.load_target("local")
        target = dataclasses.replace(local, connection_url=url, db_name="check")
        checked = check.check(target, newest, history.rows_in_production(runs.RUNS) | rows)
        yield from filter(None, [str(checked)])
    checked.require_passed()


def modify(target: Target, at_once: bool | None, plan_only: bool) -> Plan:
    """All that the target asks for; where it is only to be shown, the exit code tells a difference from a failure."""
    from cruddur_ops.database.prechecks import require_upgradable
    from cruddur_ops.rds.modification import major_version

    plan = ops.rds.plan_both(target, at_once=at_once, major=True)
    if plan_only:
        colour.echo(plan)
        raise click.exceptions.Exit(DRIFT if plan.mutating else 0)
    if version := major_version(plan):
        require_upgradable(target, version)
    return plan


def stop(target: Target, force: bool, keep: bool) -> Plan:
    """Who is connected is asked of whoever can tell, so that nobody needs a password to stop it."""
    from cruddur_ops.database.instance import connected_or_counted

    return ops.rds.plan_stop(target, connected_or_counted, force=force, keep=keep)


def snapshots(target: Target) -> Iterator[str]:
    """A line for each."""
    from cruddur_ops.rds.snapshots import of_instance

    for one in of_instance(target):
        taken = f"{one.taken:%Y-%m-%d %H:%M:%S} UTC" if one.taken else "not yet"
        yield f"{one.name}  {one.kind}  {one.status}  {taken}  {one.gibibytes} GiB"


def restore(target: Target, identifier: str, name: str | None, moment: datetime | None) -> Iterator[Plan]:
    """A new instance from either, then all that the target wants of it."""
    if name and not moment:
        yield ops.rds.plan_restore(target, name, identifier)
    elif moment and not name:
        yield ops.rds.plan_restore_to_time(target, moment, identifier)
    else:
        raise click.UsageError("name either a --snapshot or a --time")
    yield ops.rds.plan_instance(ops.rds.sibling(target, identifier, keep=True), at_once=True)


def promote(target: Target, identifier: str) -> Iterator[Plan]:
    """The same of a replica; what could stand in the way of the second plan is found before the first, which has no way back."""
    promoted = ops.rds.sibling(target, identifier, keep=True)
    ops.rds.plan_instance(promoted, at_once=True)
    yield ops.rds.plan_promote(target, identifier)
    yield ops.rds.plan_instance(promoted, at_once=True)


def teardown(target: Target, final_snapshot: str, user_pool: str) -> Iterator[Plan | str]:
    """All of it, as one plan, the most precious last; then what is left."""
    yield ops.cognito.plan_teardown(target, final_snapshot, user_pool)
    yield from leftovers(target)


def leftovers(target: Target) -> Iterator[str]:
    """What each is, and that there is no more."""
    yield from map(repr, ops.rds.leftovers(target))
    yield f"that is all that is left in {target.region}"


def policy(target: Target, notebooks: tuple[str, ...], as_boundary: bool) -> list[str]:
    """The documents, as JSON."""
    from cruddur_ops import iam

    return [json.dumps(one, indent=2) for one in ([iam.boundary(target)] if as_boundary else iam.policy(target, notebooks))]


def verify(run: str, seal: str) -> str:
    """That the folder is as the run left it."""
    from cruddur_ops.runbook import runs
    from cruddur_ops.runbook.evidence import history, manifest

    folder = history.find(run, runs.RUNS)
    return f"{folder.name} is as the run left it; its seal is {manifest.verify(folder, seal)}"


def list_runs(two: tuple[str, ...]) -> str:
    """All of them, or what differs between two."""
    from cruddur_ops.runbook import runs
    from cruddur_ops.runbook.evidence import history

    if not two:
        return history.listing(runs.RUNS)
    if len(two) != 2:
        raise WrongInput("name two runs to compare them, or none to list all")
    return history.compare(*(history.find(name, runs.RUNS) for name in two))


def expired(target: Target, regions: tuple[str, ...]) -> list[str]:
    """What is past its date, in the target's region or those that were named."""
    from cruddur_ops.rds import inventory

    wanted = regions or (target.region,)
    for region in wanted:
        if not limits.REGION.holds(region):
            raise click.UsageError(f"{region!a} is no region: name one such as ca-central-1")
    return [str(one) for one in inventory.expired(target, wanted)] or [f"nothing in {', '.join(wanted)} is past its date"]
