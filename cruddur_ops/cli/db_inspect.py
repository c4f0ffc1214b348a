"""`cruddur-ops db status`, `sessions`, `migration`, `connect`, `env` and `wait`: looks, files, and the way to the server."""

from __future__ import annotations

import click

from cruddur_ops.cli.options import announce, target_option


@click.command()
@target_option
def status(target: str) -> None:
    """Show the server, the database, its schema, its size and how many use it."""
    from cruddur_ops import database
    from cruddur_ops.targets import load

    click.echo(database.status(load(target)))


@click.command()
@target_option
def sessions(target: str) -> None:
    """List everybody who is connected to the server, but you and AWS: who blocks whom, and since when."""
    from cruddur_ops import database
    from cruddur_ops.targets import load

    loaded = load(target)
    announce("sessions", loaded)
    click.echo(database.sessions(loaded))


@click.command()
@click.argument("name")
def migration(name: str) -> None:
    """Write the next pair of files in sql/migrations/, called NAME."""
    from cruddur_ops import database

    for path in database.new_migration(name):
        click.echo(f"wrote {path}")


@click.command()
@target_option
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[-- PSQL ARGUMENTS]")
def connect(target: str, arguments: tuple[str, ...]) -> None:
    """Run psql on the target; what follows -- goes to psql.

    Such as: cruddur-ops db connect -- -c 'SELECT now()'. The exit code is psql's.
    """
    from cruddur_ops.database import clients
    from cruddur_ops.targets import load

    loaded = load(target)
    announce("connect", loaded, err=True)
    clients.psql(loaded, arguments)


@click.command()
@target_option
def env(target: str) -> None:
    """Print the lines that let pg_dump or pgcli work on the target: eval "$(cruddur-ops db env)".

    The password stands in a file that only you can read, which PGPASSFILE names. RDS rotates the
    master password every seven days: evaluate the lines again then.
    """
    from cruddur_ops.database import clients
    from cruddur_ops.targets import load

    loaded = load(target)
    announce("env", loaded, err=True)
    click.echo(clients.exports(loaded))


@click.command()
@target_option
@click.option("--timeout", type=click.FloatRange(min=0), default=300, show_default=True, help="Seconds.")
def wait(target: str, timeout: float) -> None:
    """Return once the server answers, whether or not it has the database yet.

    A refused login, a certificate that fails, an instance that is stopped or missing end the wait at
    once: none of them passes by itself.
    """
    from cruddur_ops.database.wait import wait as wait_for
    from cruddur_ops.targets import load

    loaded = load(target)
    present = wait_for(loaded, timeout)
    announce("wait", loaded)  # the place is known by now: an instance that is being created has none yet
    click.echo("the server answers" if present else "the server answers; the database is missing: `cruddur-ops db create`")


VERBS = (status, sessions, migration, connect, env, wait)
