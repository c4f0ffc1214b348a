"""Rehearsals: an upgrade, migrations, or another change, done to a copy of production before production feels it."""

from cruddur_ops.rehearsal.copies import plan_copy, plan_removal
from cruddur_ops.rehearsal.rehearsals import rehearse
from cruddur_ops.rehearsal.report import Report
from cruddur_ops.rehearsal.steps import Migrations, Modification, Script, Step, Upgrade

__all__ = ["Migrations", "Modification", "Report", "Script", "Step", "Upgrade", "plan_copy", "plan_removal", "rehearse"]
