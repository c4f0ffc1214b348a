"""PostgreSQL servers, set up as RDS sets them up."""

from rds_sandbox.postgres.programs import Programs, find_programs
from rds_sandbox.postgres.roles import create_master_user
from rds_sandbox.postgres.server import DidNotStart, Server, ServerFailed
from rds_sandbox.postgres.standalone import standalone

__all__ = ["DidNotStart", "Programs", "Server", "ServerFailed", "create_master_user", "find_programs", "standalone"]
