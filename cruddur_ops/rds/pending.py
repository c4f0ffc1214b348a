"""What RDS has accepted and not made yet: it waits for the maintenance window, or goes along with what is made at once."""

from collections.abc import Collection, Iterator

from cruddur_ops.change import Action, Change
from cruddur_ops.rds import settings
from cruddur_ops.rds.instances import Instance, read

PASSWORD = "MasterUserPassword"  # never waits for the window (ModifyDBInstance): it is being made already
AT_ONCE = "at once: so far it waits for the maintenance window"


def until(found: Instance) -> tuple[str, ...]:
    """What waits, and until when."""
    return (f"{', '.join(sorted(found.pending))} until {found.maintenance_window}",) if found.pending else ()


def changes(found: Instance, changed: Collection[str] = ()) -> Iterator[Change]:
    """A change for each setting that a call to be applied immediately takes along without naming it (ModifyDBInstance).

    Args:
        changed: the settings that the call names.
    """
    rows = {name: row for row in settings.SETTINGS for name in (row.found, row.created)}
    for name, after in sorted(found.pending.items()):
        row = rows.get(name)
        if name != PASSWORD and (row is None or row.name not in changed):
            before = str(read(found.raw, row.found)) if row else None
            yield Change(Action.MODIFY, f"DB instance {found.identifier}", name, before, str(after), AT_ONCE)
