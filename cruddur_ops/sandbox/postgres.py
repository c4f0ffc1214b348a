"""One PostgreSQL server: initialise, start, stop, set up as RDS does, back up."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from cruddur_ops import queries
from cruddur_ops.sandbox.programs import Programs

ADMINISTRATOR = "rdsadmin"  # owns the cluster on RDS; the master user is no superuser
START_SECONDS = 60
SETTINGS = """
listen_addresses = ''
unix_socket_permissions = 0700
shared_buffers = 32MB
fsync = off
max_wal_senders = 10
log_line_prefix = '%t:%r:%u@%d:[%p]:'
password_encryption = 'scram-sha-256'
"""


class ServerFailed(Exception):
    """The server could not be initialised, started or reached; the message is its own."""


@dataclass
class Server:
    """A PostgreSQL server that listens on a Unix socket only.

    Attributes:
        folder: its own folder; `data` and `postgres.log` are made in it.
        programs: what to run, and under which account.
        password: that of the administrator, kept in memory alone.
    """

    folder: Path
    programs: Programs
    password: str = field(default_factory=secrets.token_hex, repr=False)
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """The server's own log."""
        return self.folder / "postgres.log"

    @property
    def socket(self) -> Path:
        """The Unix socket that clients of the gateway end up at."""
        return self.folder / ".s.PGSQL.5432"

    @property
    def running(self) -> bool:
        """Whether the server process is alive."""
        return self.process is not None and self.process.poll() is None

    def initialise(self) -> None:
        """Make the data directory (PostgreSQL 18, chapter 18.2 and initdb's reference page).

        Raises:
            ServerFailed: with initdb's own words.
        """
        self.folder.mkdir(parents=True)
        os.chown(self.folder, self.programs.account.uid, self.programs.account.gid)
        self._initdb()
        folder = str(self.folder).replace("'", "''")
        settings = f"{SETTINGS}unix_socket_directories = '\"{folder}\"'\n"
        with (self.data / "postgresql.conf").open("a") as file:
            file.write(settings)

    def _initdb(self) -> None:
        arguments = ["--no-sync", "--username", ADMINISTRATOR, "--auth", "scram-sha-256"]
        arguments += ["--encoding", "UTF8", "--locale", "C"]
        if self.programs.major() >= 17:
            arguments += ["--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"]
        reading = self._password_pipe()
        try:
            self.programs.run(
                "initdb", "--pgdata", str(self.data), "--pwfile", f"/dev/fd/{reading}", *arguments, pass_fds=(reading,)
            )
        except (OSError, subprocess.CalledProcessError) as error:
            raise ServerFailed(f"initdb failed: {getattr(error, 'stderr', '') or error}") from error
        finally:
            os.close(reading)

    def _password_pipe(self) -> int:
        """A pipe that the account can read the password from: no file, no argument ever holds it."""
        reading, writing = os.pipe()
        os.write(writing, f"{self.password}\n".encode())
        os.close(writing)
        os.fchown(reading, self.programs.account.uid, self.programs.account.gid)
        return reading

    def start(self) -> None:
        """Start the server and return when it accepts connections.

        Raises:
            ServerFailed: it ended, or did not get ready in time; the message is the end of its log.
        """
        command = [self.programs.path("postgres"), "-D", str(self.data)]
        options = {"stdin": subprocess.DEVNULL, "start_new_session": True, **self.programs.account.switch}
        with self.log.open("ab") as log:
            try:
                self.process = subprocess.Popen(command, stdout=log, stderr=log, **options)
            except OSError as error:
                raise ServerFailed(f"postgres did not start: {error}") from error
        self._wait_until_ready()

    def _wait_until_ready(self) -> None:
        """postmaster.pid ends with the word "ready" once the server does (src/include/utils/pidfile.h)."""
        status = self.data / "postmaster.pid"
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if not self.running:
                raise ServerFailed(f"postgres ended while starting: {self.log_end()}")
            if status.exists() and status.read_text().rstrip().endswith("ready"):
                return
            time.sleep(0.01)
        self.stop(signal.SIGQUIT)
        raise ServerFailed(f"postgres was not ready after {START_SECONDS} seconds: {self.log_end()}")

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop the server: SIGINT ends the sessions first, SIGQUIT at once (PostgreSQL 18, chapter 18.5)."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(how)
        try:
            self.process.wait(timeout=START_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait()

    def log_end(self, lines: int = 5) -> str:
        """The last lines of the server's log."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    @contextmanager
    def administrator(self, database: str = "postgres") -> Iterator[psycopg.Connection[Any]]:
        """A connection as rdsadmin, in autocommit.

        Raises:
            psycopg.Error: the server does not answer.
        """
        with psycopg.connect(
            host=str(self.folder), user=ADMINISTRATOR, password=self.password, dbname=database, autocommit=True
        ) as connection:
            yield connection

    def create_master_user(self, name: str, password: str, database: str | None) -> None:
        """Set up what a new DB instance has: rds_superuser, the master user, its database.

        Source: Amazon RDS User Guide, "Understanding PostgreSQL roles and permissions".
        """
        with self.administrator() as connection:
            for step in ("roles", "master_user", "ownership"):
                connection.execute(_compose(step, master=name))
            self._set_password(connection, name, password)
            if database and database != "postgres":
                connection.execute(_compose("database", master=name, database=database))

    def set_password(self, name: str, password: str) -> None:
        """Give a role another password."""
        with self.administrator() as connection:
            self._set_password(connection, name, password)

    def _set_password(self, connection: psycopg.Connection[Any], name: str, password: str) -> None:
        """Send the SCRAM verifier alone, so that no log can hold the password."""
        verifier = connection.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256")
        connection.execute(_compose("password", master=name, verifier=sql.Literal(verifier.decode())))

    def back_up(self, target: Path) -> None:
        """Copy the running server's data with pg_basebackup, WAL included.

        Raises:
            ServerFailed: with the program's own words.
        """
        environment = {**os.environ, "PGPASSWORD": self.password}
        arguments = ["--pgdata", str(target), "--host", str(self.folder), "--username", ADMINISTRATOR]
        try:
            self.programs.run("pg_basebackup", *arguments, "--checkpoint=fast", "--no-sync", env=environment)
        except (OSError, subprocess.CalledProcessError) as error:
            raise ServerFailed(f"pg_basebackup failed: {getattr(error, 'stderr', '') or error}") from error


def _compose(step: str, **names: str | sql.Literal) -> sql.Composed:
    """A statement of sql/sandbox with its names quoted; CREATE statements take no bind parameters."""
    quoted = {key: sql.Identifier(value) if isinstance(value, str) else value for key, value in names.items()}
    return sql.SQL(queries.load(f"sandbox/{step}").text).format(**quoted)
