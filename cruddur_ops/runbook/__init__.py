"""The notebooks, run headless: what is asked for is checked first, then executed in order, with evidence."""

from cruddur_ops.runbook.notebooks import Selection
from cruddur_ops.runbook.resumption import apply_plan, resume
from cruddur_ops.runbook.runner import execute, interruptible
from cruddur_ops.runbook.runs import Request, Run, check

__all__ = ["Request", "Run", "Selection", "apply_plan", "check", "execute", "interruptible", "resume"]
