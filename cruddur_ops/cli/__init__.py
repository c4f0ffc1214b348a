"""The command line: one call for each verb. Imports wait for the verb, so that `--help` is quick."""

from cruddur_ops.cli.fleet import fleet
from cruddur_ops.cli.groups import main
from cruddur_ops.cli.run import run
from cruddur_ops.cli.sandbox import sandbox
from cruddur_ops.cli.table import TABLE

__all__ = ["main"]

for command in (run, fleet, sandbox):
    main.add_command(command)
for verb in TABLE:
    verb.group.add_command(verb.command())
