"""A server without AWS."""

from __future__ import annotations

import psycopg
import pytest

from rds_sandbox.postgres import standalone

WHO = "SELECT rolsuper, pg_has_role('rds_superuser', 'member'), current_setting('work_mem') FROM pg_roles WHERE rolname = user"


@pytest.mark.parametrize(("preloaded", "libraries"), [(True, "pg_stat_statements"), (False, "")])
def test_it_is_set_up_as_on_rds(preloaded: bool, libraries: str) -> None:
    """The master user, its database, the settings asked for; nothing is left."""
    with standalone("me", "correct horse", "mine", preloaded=preloaded, work_mem="8MB") as server:
        place = f"host={server.folder} user=me password='correct horse' dbname=mine"
        with psycopg.connect(place) as connection:
            assert (False, True, "8MB") == connection.execute(WHO).fetchone()
            assert (libraries,) == connection.execute("SHOW shared_preload_libraries").fetchone()

    assert not server.running
    assert not server.folder.exists()
