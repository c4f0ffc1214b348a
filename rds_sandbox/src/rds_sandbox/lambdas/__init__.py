"""Lambda: moto's, whose functions are run. Importing it patches moto."""

from rds_sandbox.lambdas import (  # noqa: F401 - they put their functions into the table
    actions,
    aliases,
    concurrency,
    invocations,
    lists,
    permissions,
    tags,
)
