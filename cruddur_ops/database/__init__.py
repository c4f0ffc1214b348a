"""The database on the server: how to connect, and the steps that create, load and seed it."""

from cruddur_ops.database.setup import (
    connection_facts,
    counts,
    create,
    load_schema,
    plan_create,
    plan_schema,
    plan_seed,
    rows,
    schema_checksum,
    seed,
)

__all__ = [
    "connection_facts",
    "counts",
    "create",
    "load_schema",
    "plan_create",
    "plan_schema",
    "plan_seed",
    "rows",
    "schema_checksum",
    "seed",
]
