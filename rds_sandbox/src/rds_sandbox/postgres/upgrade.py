"""A major upgrade by pg_upgrade, after RDS's checks and its own (PostgreSQL 18, pg_upgrade's reference page)."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator

from rds_sandbox.postgres import queries
from rds_sandbox.postgres.server import ADMINISTRATOR, Server, ServerFailed

QUIET = "-c logging_collector=off"  # of the servers that pg_upgrade starts: it reads their output


def reasons(server: Server, new: Server) -> Iterator[str]:
    """Why the running server cannot be upgraded to the new one's major; the new one is initialised, and was never started."""
    with server.administrator() as connection:
        yield from (row[0] for row in connection.execute(queries.load("precheck_cluster")))
        databases = [row[0] for row in connection.execute(queries.load("databases"))]
    for database in databases:
        with server.administrator(database) as connection:
            for row in connection.execute(queries.load("precheck_database")):
                yield f"The following issue in the database '{database}' needs to be corrected before upgrading: {row[0]}"
    try:
        _run(server, new, "--check")
    except ServerFailed as error:
        yield f"pg_upgrade --check says: {error}"


def perform(server: Server, new: Server) -> None:
    """Let the stopped server go on with its data as the new one's major has them."""
    _run(server, new)
    server.become(new)


def _run(server: Server, new: Server, *options: str) -> None:
    """Both keep their data as they were; what pg_upgrade wrote is among the server's logs."""
    arguments = ["-b", str(server.programs.folder), "-B", str(new.programs.folder), "-d", str(server.data), "-D", str(new.data)]
    arguments += ["-U", ADMINISTRATOR, "-s", str(new.folder), "-o", QUIET, "-O", QUIET, "--no-sync", *options]
    environment = {**os.environ, "PGPASSWORD": server.password}
    try:
        new.programs.run("pg_upgrade", *arguments, cwd=new.folder, env=environment)
    except (OSError, subprocess.CalledProcessError) as error:
        said = f"{getattr(error, 'stdout', '') or ''}\n{getattr(error, 'stderr', '') or error}"
        raise ServerFailed(f"{said.strip()}\n{_reports(server, new)}") from error


def _reports(server: Server, new: Server) -> str:
    """Keep the files that pg_upgrade left; the text of its lists."""
    text = ""
    for file in sorted((new.data / "pg_upgrade_output.d").rglob("*.*")):
        if file.suffix in (".txt", ".log"):
            stamp = file.parent.parent.name if file.suffix == ".log" else file.parent.name
            shutil.copy(file, server.logs / (f"{file.name}.{stamp}" if file.suffix == ".log" else file.name))
            text += file.read_text(errors="replace") if file.suffix == ".txt" else ""
    return text
