"""What PostgreSQL counts about a database, for a notebook to show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cruddur_ops.database.statements import rows
from cruddur_ops.targets import Target

if TYPE_CHECKING:
    from pandas import DataFrame


def inspect(target: Target, what: str) -> DataFrame:
    """A table of what is known.

    Args:
        target: whose database.
        what: "table_sizes", "unused_indexes" or "memory"; the file of this name in sql/operations/ says more.

    Raises:
        WrongInput: sql/operations/ has no such file.
        DatabaseUnreachable: no connection came about.
    """
    import pandas as pd

    return pd.DataFrame(rows(target, f"operations/{what}"))
