"""Cognito: moto's, whose codes are checked and whose trigger is invoked. Importing it patches moto."""

from rds_sandbox.cognito import actions  # noqa: F401 - it puts its functions into the table
