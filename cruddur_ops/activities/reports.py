"""What an engineer shows somebody who asks what goes on: activity over time and by author."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cruddur_ops.database.statements import rows
from cruddur_ops.target import Target

if TYPE_CHECKING:
    import pandas as pd


def over_time(target: Target, days: int = 7) -> pd.DataFrame:
    """How many activities were posted on each of the last days (UTC), today included.

    One row a day, oldest first: day, days_ago, activities.
    """
    import pandas as pd

    return pd.DataFrame(rows(target, "activities/over_time", days=days))


def by_author(target: Target, days: int = 7, limit: int = 10) -> pd.DataFrame:
    """Who posted most in the last days (of 24 hours), who posted most first: handle, activities."""
    import pandas as pd

    found = rows(target, "activities/by_author", days=days, limit=limit)
    return pd.DataFrame(found, columns=["handle", "activities"])
