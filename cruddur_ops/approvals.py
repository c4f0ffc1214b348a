"""A plan that was approved: its changes may be made, and no others.

A runner names the file in CRUDDUR_APPROVED; without it, nothing is asked here.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cruddur_ops.errors import ConfirmationRequired

VARIABLE = "CRUDDUR_APPROVED"
COMPARED = ("action", "resource", "setting", "after")
UNKNOWN = "known after"  # how the note of a change begins that stands for others, which cannot be told yet


class NotApproved(ConfirmationRequired):
    """A change that the approved plan does not have."""


def require_covered(title: str, changes: Sequence[Mapping[str, Any]]) -> None:
    """Refuse changes that the approved plan of this title neither has nor leaves open.

    Args:
        title: of the plan that is about to be applied.
        changes: its mutating ones, as `Change.shown` has them.

    Raises:
        NotApproved: there is one.
    """
    path = os.environ.get(VARIABLE)
    if not path or not changes:
        return
    plans = json.loads(Path(path).read_text(encoding="utf-8"))["plans"]
    approved = [change for plan in plans if plan["title"] == title for change in plan["changes"]]
    if any(change["unknown"] for change in approved):
        return
    allowed = {tuple(change[name] for name in COMPARED) for change in approved}
    for change in changes:
        if tuple(change[name] for name in COMPARED) not in allowed:
            named = " ".join(str(change[name]) for name in COMPARED if change[name])
            message = f'"{named}" is not in the approved plan, and nothing of "{title}" was changed'
            raise NotApproved(f"{message}: read the plan of now, `cruddur-ops run --plan`, and approve that")
