"""`python -m rds_sandbox` is the command `rds-sandbox`."""

from rds_sandbox.cli import main

if __name__ == "__main__":
    main()
