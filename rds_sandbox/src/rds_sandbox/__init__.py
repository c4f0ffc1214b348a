"""RDS with a real PostgreSQL, on this machine: the light side, which starts, finds, uses and ends sandboxes.

Every expected failure is a SandboxError, whose message ends with the remedy.
"""

from rds_sandbox.control import Sandbox, down, find, running, sandbox, up
from rds_sandbox.errors import PostgresMissing, SandboxError, SandboxFailed, SandboxNotUp, WrongInput
from rds_sandbox.simulate import SIMULATIONS, Simulation

__all__ = [
    "SIMULATIONS",
    "PostgresMissing",
    "Sandbox",
    "SandboxError",
    "SandboxFailed",
    "SandboxNotUp",
    "Simulation",
    "WrongInput",
    "down",
    "find",
    "running",
    "sandbox",
    "up",
]
