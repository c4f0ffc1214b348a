"""The notebooks, run headless: what is asked for is checked first, then executed in order, with evidence."""

from cruddur_ops.runbook.runs import Run, check, execute, interruptible

__all__ = ["Run", "check", "execute", "interruptible"]
