"""One PostgreSQL server: initialise, start, stop, set up as RDS does, back up, take over a backup."""

from __future__ import annotations

import os
import secrets
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from rds_sandbox.folders import discard
from rds_sandbox.postgres import base_backup, queries
from rds_sandbox.postgres.programs import Programs

ADMINISTRATOR = "rdsadmin"  # owns the cluster on RDS; the master user is no superuser
OWN_DATABASE = "rdsadmin"
CLOSED = f"local {OWN_DATABASE} {ADMINISTRATOR} scram-sha-256\nlocal {OWN_DATABASE} all reject\n"  # of pg_hba.conf, as on RDS
STARTS = 3  # where something kills it while it starts
START_SECONDS = 60
ENDING_SECONDS = 0.5
PARAMETERS = "parameter_group.conf"  # the dynamic ones of a parameter group
WAL_FILE = "4"  # MB, a quarter of the default: every backup and every moment that is restored takes at least one
# A killed server leaves its shared memory behind: in its folder it goes with that, in /dev/shm it would stay.
SETTINGS = f"""
listen_addresses = ''
unix_socket_permissions = 0700
shared_buffers = 32MB
dynamic_shared_memory_type = mmap
fsync = off
max_wal_size = 1GB
max_wal_senders = 20
max_replication_slots = 20
wal_retrieve_retry_interval = 500ms
archive_mode = on
logging_collector = on
log_filename = 'postgresql.log.%Y-%m-%d-%H'
log_rotation_age = 60
log_rotation_size = 0
log_timezone = 'UTC'
log_line_prefix = '%t:%r:%u@%d:[%p]:'
password_encryption = 'scram-sha-256'
include_if_exists = '{PARAMETERS}'
"""
SIGNALS = ("recovery.signal", "standby.signal")  # what makes a data directory wait for WAL (PostgreSQL 18, chapter 19.5.4)


class ServerFailed(Exception):
    """The server could not be initialised, started or reached; the message is its own."""


class DidNotStart(ServerFailed):
    """The server ended while it started, as where its settings do not go together."""


@dataclass
class Server:
    """A PostgreSQL server that listens on a Unix socket only."""

    folder: Path  # its own; `data` and `log` are made in it
    programs: Programs
    # The administrator's, kept in memory alone; all servers of a sandbox have the same one, since a copy of the data keeps it.
    password: str = field(default_factory=secrets.token_hex, repr=False)
    settings: Mapping[str, str] = field(default_factory=dict)  # beside those of its data directory
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.folder / "data"

    @property
    def logs(self) -> Path:
        """The folder of the server's own log files, one for each hour, named as on RDS."""
        return self.folder / "log"

    @property
    def socket(self) -> Path:
        """The Unix socket that clients of the gateway end up at."""
        return self.folder / ".s.PGSQL.5432"

    @property
    def archive(self) -> Path:
        """Where the server archives its WAL, while this folder exists; it outlives the server's own."""
        return self.folder.parent / "archives" / self.folder.name

    @property
    def _status(self) -> Path:
        return self.data / "postmaster.pid"

    @property
    def running(self) -> bool:
        """Whether the server process is alive."""
        return self.process is not None and self.process.poll() is None

    def was_killed(self) -> bool:
        """Whether its process ended by a signal, as where memory has run out: it never does by those that it is stopped with.

        A process that ends closes its sockets a moment before that can be told.
        """
        if self.process is None:
            return False
        with suppress(subprocess.TimeoutExpired):
            return self.process.wait(ENDING_SECONDS) < 0
        return False

    def initialise(self) -> None:
        """Make the data directory (PostgreSQL 18, chapter 18.2 and initdb's reference page)."""
        self.make_folder(self.folder)
        self._initdb()
        self.alone("own_database")
        for fork in self.data.glob("base/*/*_*m"):  # a third of all bytes, which VACUUM writes again (chapter 66.3 and 66.4)
            fork.unlink()
        rules = self.data / "pg_hba.conf"
        rules.write_text(CLOSED + rules.read_text())
        with (self.data / "postgresql.conf").open("a") as file:
            file.write(SETTINGS)
            if self.programs.major() >= 18:
                file.write("io_method = sync\n")  # else three processes more, of each idle instance

    def make_folder(self, folder: Path) -> None:
        """Make a folder for the server alone."""
        folder.mkdir(0o700, parents=True)
        os.chown(folder, self.programs.account.uid, self.programs.account.gid)

    def _initdb(self) -> None:
        arguments = ["--no-sync", "--username", ADMINISTRATOR, "--auth", "scram-sha-256", "--wal-segsize", WAL_FILE]
        # Checksums as on RDS; pg_upgrade wants the same on both sides.
        arguments += ["--data-checksums", "--encoding", "UTF8", "--locale", "C"]
        if self.programs.major() >= 17:
            arguments += ["--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"]
        reading = self._password_pipe()
        try:
            where = ("--pgdata", str(self.data), "--pwfile", f"/dev/fd/{reading}")
            self.programs.run("initdb", *where, *arguments, pass_fds=(reading,))
        except (OSError, subprocess.CalledProcessError) as error:
            raise ServerFailed(f"initdb failed: {getattr(error, 'stderr', '') or error}") from error
        finally:
            os.close(reading)

    def alone(self, step: str) -> None:
        """Run the statements of sql/, one a line, on a server that is not running (postgres's reference page, --single)."""
        self.programs.run("postgres", "--single", "-F", "-D", str(self.data), "template1", input=queries.load(step))

    def _password_pipe(self) -> int:
        """A pipe that the account can read the password from: no file, no argument ever holds it."""
        reading, writing = os.pipe()
        os.write(writing, f"{self.password}\n".encode())
        os.close(writing)
        os.fchown(reading, self.programs.account.uid, self.programs.account.gid)
        return reading

    def start(self, settings: Mapping[str, str] | None = None, seconds: int = START_SECONDS) -> None:
        """Start the server, with these settings for this time; return when it accepts connections.

        One that is killed meanwhile is started again.
        """
        for left in reversed(range(STARTS)):
            try:
                self._start(settings or {}, seconds)
            except ServerFailed:
                if not left or not self.was_killed():
                    raise
            else:
                return

    def _start(self, settings: Mapping[str, str], seconds: int) -> None:
        if self.was_killed():
            self._kill_what_is_left()
            self._status.unlink(missing_ok=True)  # it says "ready" still
        options = {"stdin": subprocess.DEVNULL, "start_new_session": True, **self.programs.account.switch}
        named = [f"--{name}={value}" for name, value in {**self.settings, **self._places(), **settings}.items()]
        with (self.folder / "postgres.log").open("ab") as log:  # until the collector has taken over
            try:
                command = [self.programs.path("postgres"), "-D", str(self.data), *named]
                self.process = subprocess.Popen(command, stdout=log, stderr=log, **options)
            except OSError as error:
                raise ServerFailed(f"postgres did not start: {error}") from error
        self._wait_until_ready(seconds)

    def _kill_what_is_left(self) -> None:
        """Its sessions and helpers, which may not have noticed yet: they hold its memory, and it could not start."""
        for process in psutil.process_iter():
            with suppress(psutil.Error, OSError):
                if process.cwd() == str(self.data.resolve()):
                    process.kill()
                    process.wait(10)

    def _places(self) -> dict[str, str]:
        """The settings that name folders, which a copy of the data must not share."""
        archive = shlex.quote(str(self.archive))
        copy = f'cp "%p" {archive}/"%f.part" && mv {archive}/"%f.part" {archive}/"%f"'
        return {
            "unix_socket_directories": f'"{self.folder}"',
            "log_directory": str(self.logs),
            "archive_command": f"test ! -d {archive} || {{ {copy}; }}",
        }

    def _wait_until_ready(self, seconds: int) -> None:
        """postmaster.pid ends with the word "ready" once the server does (src/include/utils/pidfile.h)."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not self.running:
                raise DidNotStart(f"postgres ended while starting: {self.log_end()}")
            if self._status.exists() and self._status.read_text().rstrip().endswith("ready"):
                return
            time.sleep(0.01)
        self.stop(signal.SIGQUIT)
        raise ServerFailed(f"postgres was not ready after {seconds} seconds: {self.log_end()}")

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

    def log_end(self) -> str:
        """The last five lines that the server wrote, into its log or, before there is a collector, beside it."""
        files = [each for each in (*self.logs.glob("*"), self.folder / "postgres.log") if each.exists()]
        text = max(files, key=lambda each: each.stat().st_mtime_ns).read_text(errors="replace") if files else ""
        return "\n".join(text.splitlines()[-5:])

    @contextmanager
    def administrator(self, database: str = OWN_DATABASE) -> Iterator[psycopg.Connection[Any]]:
        """A connection as rdsadmin, in autocommit, that writes where others may only read."""
        where, writes = {"host": str(self.folder), "dbname": database}, "-c default_transaction_read_only=off"
        place = make_conninfo(**where, user=ADMINISTRATOR, password=self.password, options=writes)
        with psycopg.connect(place, autocommit=True) as connection:
            yield connection

    def ask(
        self, step: str, database: str = OWN_DATABASE, names: Mapping[str, str | sql.Literal] | None = None, **parameters: Any
    ) -> list[Any]:
        """The rows of a statement of sql/, where it gives any; in it stand `names`, quoted."""
        with self.administrator(database) as connection:
            found = connection.execute(compose(step, **names or {}), parameters or None)
            return found.fetchall() if found.description else []

    def back_up(self, target: Path) -> None:
        """Copy the data: of a running server as a base backup, WAL included; of one that is stopped or killed, the files."""
        if self.running:
            try:
                with self.administrator() as connection:
                    base_backup.back_up(connection, self.data, target, self.programs.account)
            except psycopg.Error:
                if not self.was_killed():
                    raise
                discard(target, self.folder.parent)
            else:
                return
        if self.was_killed():
            self._kill_what_is_left()
        self.programs.copy(self.data, target)

    def take_over(self, backup: Path) -> None:
        """Begin with a copy of these data, as a server of its own: neither standby nor another's parameters."""
        self.make_folder(self.folder)
        self.programs.copy(backup, self.data)
        for name in (*SIGNALS, PARAMETERS):
            (self.data / name).unlink(missing_ok=True)
        (self.data / "postgresql.auto.conf").write_text("")

    def become(self, other: Server) -> None:
        """Go on with the programs, settings and data of another, which is no more; the logs and the archive stay."""
        discard(self.data, self.folder.parent)
        other.data.rename(self.data)
        self.programs, self.settings = other.programs, other.settings
        other.remove()

    def remove(self) -> None:
        """End the server at once and delete its data; the archive stays."""
        self.stop(signal.SIGQUIT)
        discard(self.folder, self.folder.parent)


def compose(step: str, **names: str | sql.Literal) -> sql.Composed:
    """A statement of sql/sandbox with its names quoted; CREATE statements take no bind parameters."""
    quoted = {key: sql.Identifier(value) if isinstance(value, str) else value for key, value in names.items()}
    return sql.SQL(queries.load(step)).format(**quoted)
