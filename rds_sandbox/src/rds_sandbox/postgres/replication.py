"""Streaming replication between two servers of the sandbox (PostgreSQL 18, chapter 26.2.5)."""

import hashlib

from psycopg import sql
from psycopg.conninfo import make_conninfo

from rds_sandbox.postgres import roles
from rds_sandbox.postgres.server import Server

STANDBY = ("primary_conninfo", "primary_slot_name", "recovery_min_apply_delay")  # settings that a promoted server forgets


def follow(server: Server, source: Server, slot: str) -> None:
    """Fill the server with a copy of its source, and start it as a standby that streams from it."""
    source.ask("create_slot", names={"slot": sql.Literal(slot)})
    if not server.folder.exists():
        server.make_folder(server.folder)
    source.back_up(server.data)
    connection = make_conninfo(
        host=str(source.folder), user=roles.REPLICATOR, password=password(source), application_name=slot
    ).replace("'", "''")
    settings = f"primary_conninfo = '{connection}'\nprimary_slot_name = '{slot}'\n"
    (server.data / "postgresql.auto.conf").write_text(settings)  # which the server's account alone can read
    (server.data / "standby.signal").touch()
    server.start()


def password(server: Server) -> str:
    """The password of the replication role: the same on all servers of a sandbox, since replicas replicate it."""
    return hashlib.sha256(f"replication {server.password}".encode()).hexdigest()


def promote(server: Server) -> None:
    """Make a standby a server of its own; returns when it accepts writes."""
    server.ask("promote")
    forget_source(server)


def forget_source(server: Server) -> None:
    """Take what it followed out of the settings of a server that follows it no longer."""
    for setting in STANDBY:
        server.ask("forget_setting", names={"setting": setting})
    server.ask("reload")


def drop_slot(source: Server, slot: str) -> None:
    """Let the source forget a replica that streams no longer."""
    for step in ("end_replication", "drop_slot"):
        source.ask(step, names={"slot": sql.Literal(slot)})


def delay(server: Server, seconds: float) -> None:
    """Let a standby apply each commit that many seconds after it was made; 0: as its parameter group says."""
    if seconds:
        server.ask("delay_replica", names={"delay": sql.Literal(f"{int(seconds * 1000)}ms")})
    else:
        server.ask("forget_setting", names={"setting": "recovery_min_apply_delay"})
    server.ask("reload")


def lag(server: Server) -> float:
    """The seconds that a standby is behind: 0 where it has replayed all that it received."""
    return float(server.ask("replica_lag")[0][0])
