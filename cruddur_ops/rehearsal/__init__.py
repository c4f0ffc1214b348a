"""Rehearsals: an upgrade, migrations, or another change, done to a copy of production before production feels it."""

from cruddur_ops.rehearsal.copies import bring_up, plan_copy, plan_later, plan_removal
from cruddur_ops.rehearsal.recovery import Recovery
from cruddur_ops.rehearsal.rehearsals import rehearse
from cruddur_ops.rehearsal.report import Report
from cruddur_ops.rehearsal.steps import Migrations, Modification, Script, Step, Upgrade

__all__ = [
    "Migrations",
    "Modification",
    "Recovery",
    "Report",
    "Script",
    "Step",
    "Upgrade",
    "bring_up",
    "plan_copy",
    "plan_later",
    "plan_removal",
    "rehearse",
]
