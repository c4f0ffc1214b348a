"""Rehearsals: an upgrade, migrations, or another change, done to a copy of production before production feels it."""

from cruddur_ops.rehearsal.copies import bring_up, plan_later
from cruddur_ops.rehearsal.recovery import Recovery
from cruddur_ops.rehearsal.rehearsals import rehearse
from cruddur_ops.rehearsal.steps import Migrations, Modification, Script, Upgrade

__all__ = [
    "Migrations",
    "Modification",
    "Recovery",
    "Script",
    "Upgrade",
    "bring_up",
    "plan_later",
    "rehearse",
]
