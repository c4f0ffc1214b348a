"""The statements that the sandbox sends to its servers: one file of sql/ each."""

import functools
from importlib import resources


@functools.cache
def load(name: str) -> str:
    """The text of a file of sql/; `{name}` stands where a quoted identifier or literal goes."""
    return (resources.files(__package__) / "sql" / f"{name}.sql").read_text(encoding="utf-8")
