"""A major upgrade by pg_upgrade, after RDS's checks and its own (PostgreSQL 18, pg_upgrade's reference page)."""

import os
import shutil
import subprocess
from collections.abc import Iterator

import psycopg

from rds_sandbox.postgres import roles
from rds_sandbox.postgres.extensions import PRELOADED, preloaded
from rds_sandbox.postgres.server import ADMINISTRATOR, Server, ServerFailed

QUIET = "-c logging_collector=off"  # of the servers that pg_upgrade starts: it reads their output


def reasons(server: Server, new: Server, in_database: str) -> Iterator[str]:
    """Why the running server cannot be upgraded to the new one's major; the new one is initialised, and was never started.

    What the sandbox created in each database, and the new one lacks, is dropped: `restore` brings it back. `in_database` is how
    a reason is told of one database.
    """
    yield from (reason for (reason,) in server.ask("precheck_cluster"))
    for database in _databases(server):
        for reason in [row[0] for row in server.ask("precheck_database", database)] + _drop(server, database, new):
            yield in_database.format(database=database, reason=reason)
    try:
        _run(server, new, "--check")
    except ServerFailed as error:
        yield f"pg_upgrade --check says: {error}"


def _drop(server: Server, database: str, new: Server) -> list[str]:
    """Drop what is preloaded where the new server lacks it; what of the user's depends on it."""
    try:
        if not preloaded(new.settings):
            server.ask("drop_preloaded_extension", database)
    except psycopg.errors.DependentObjectsStillExist as error:
        lacking = f"'{PRELOADED}', which PostgreSQL {new.programs.major()} of this machine lacks"
        return [f"The database has objects that depend on {lacking}. Drop them: {error.diag.message_detail}"]
    return []


def restore(server: Server) -> None:
    """Where it stays on its major, it has again what was dropped for the other."""
    roles.create_preloaded(server, *_databases(server))


def _databases(server: Server) -> list[str]:
    return [name for (name,) in server.ask("databases")]


def perform(server: Server, new: Server) -> None:
    """Let the stopped server go on with its data as the new one's major has them."""
    _run(server, new)
    server.become(new)


def _run(server: Server, new: Server, *options: str) -> None:
    """Both keep their data as they were; what pg_upgrade wrote is among the server's logs."""
    new.alone("drop_own_database")
    arguments = ["-b", str(server.programs.folder), "-B", str(new.programs.folder), "-d", str(server.data), "-D", str(new.data)]
    arguments += ["-U", ADMINISTRATOR, "-s", str(new.folder), "-o", QUIET, "-O", QUIET, "--no-sync", *options]
    environment = {**os.environ, "PGPASSWORD": server.password}
    try:
        new.programs.run("pg_upgrade", *arguments, cwd=new.folder, env=environment)
    except (OSError, subprocess.CalledProcessError) as error:
        said = f"{getattr(error, 'stdout', '') or ''}\n{getattr(error, 'stderr', '') or error}"
        raise ServerFailed(f"{said.strip()}\n{_reports(server, new)}") from error


def _reports(server: Server, new: Server) -> str:
    text = ""
    for file in sorted((new.data / "pg_upgrade_output.d").rglob("*.*")):
        if file.suffix in (".txt", ".log"):
            stamp = file.parent.parent.name if file.suffix == ".log" else file.parent.name
            shutil.copy(file, server.logs / (f"{file.name}.{stamp}" if file.suffix == ".log" else file.name))
            text += file.read_text(errors="replace") if file.suffix == ".txt" else ""
    return text
