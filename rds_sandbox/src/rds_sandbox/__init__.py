"""RDS with a real PostgreSQL, on this machine: the light side, which starts, finds and ends sandboxes."""

from rds_sandbox.control import (
    confirmation_codes,
    down,
    drill,
    environment,
    exports,
    move_operator,
    running,
    status,
    throwaway,
    up,
)
from rds_sandbox.errors import PostgresMissing, SandboxError, SandboxFailed, SandboxNotUp, WrongInput

__all__ = [
    "PostgresMissing",
    "SandboxError",
    "SandboxFailed",
    "SandboxNotUp",
    "WrongInput",
    "confirmation_codes",
    "down",
    "drill",
    "environment",
    "exports",
    "move_operator",
    "running",
    "status",
    "throwaway",
    "up",
]
