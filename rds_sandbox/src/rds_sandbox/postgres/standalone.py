"""A server without AWS in front of it, for tests that need nothing but a database."""

import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rds_sandbox.postgres import extensions
from rds_sandbox.postgres.programs import find_programs
from rds_sandbox.postgres.roles import create_master_user
from rds_sandbox.postgres.server import Server


@contextmanager
def standalone(
    user: str, password: str, database: str | None = None, *, preloaded: bool = False, **settings: str
) -> Iterator[Server]:
    """A server that is set up as that of a DB instance, for the length of a `with`. Its folder is the host to connect to.

    The user is the master user, who is no superuser, and owns the database; "postgres" is there in any case. Where `preloaded`,
    pg_stat_statements is loaded, and rds_superuser may create extensions.
    """
    with tempfile.TemporaryDirectory(prefix="postgresql-", ignore_cleanup_errors=True) as folder:
        root = Path(folder)
        root.chmod(0o755)  # the server's account must reach it
        programs = find_programs(root)
        server = Server(root / "server", programs, settings=extensions.settings(programs, root) if preloaded else {})
        server.initialise()
        server.start({"archive_mode": "off", **settings})
        try:
            create_master_user(server, user, password, database)
            yield server
        finally:
            server.stop(signal.SIGQUIT)
