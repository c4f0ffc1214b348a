"""Cognito: moto's, whose codes are checked and whose trigger is invoked. Importing it patches moto."""

from rds_sandbox.cognito import actions, sign_in  # noqa: F401 - they put their functions into the table
