"""What a run leaves behind: its folder, proof against later edits, a page to read, and the history of runs."""

from cruddur_ops.runbook.evidence.record import Record, new_folder, replace_whole, writing
from cruddur_ops.runbook.evidence.results import Result, ledger_file, outputs, result, shown_plans
from cruddur_ops.runbook.evidence.surroundings import caller, commit, where

__all__ = [
    "Record",
    "Result",
    "caller",
    "commit",
    "ledger_file",
    "new_folder",
    "outputs",
    "replace_whole",
    "result",
    "shown_plans",
    "where",
    "writing",
]
