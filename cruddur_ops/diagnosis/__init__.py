"""Why a database can, or cannot, be reached: one ladder of checks, from the credentials to the right to write."""

from cruddur_ops.diagnosis.looking import diagnose

__all__ = ["diagnose"]
