"""`python -m cruddur_ops` is `cruddur-ops`."""

from cruddur_ops.cli import main

main(prog_name="cruddur-ops")
