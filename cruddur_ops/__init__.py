"""An executable runbook for running an application's Postgres on Amazon RDS."""
