"""How much is tried for each promise of docs/reliability.md: `python -m tests.figures` counts the cases of the tests named there.

A property is drawn anew with each run, 100 examples of each by `make test-all`; what a test tries within one case is not counted.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).parent.parent
ROW = re.compile(r"^\| (?P<promise>[^|]+) \|[^|]+\| (?P<where>[^|]+) \|$", re.MULTILINE)
COLLECT = (sys.executable, "-m", "pytest", "-q", "-p", "no:nbval", "-p", "no:cacheprovider", "--collect-only")


def cases(folder: Path, *flags: str) -> Counter[Path]:
    """How many cases each file of tests below the folder has."""
    listed = subprocess.run([*COLLECT, *flags, "tests"], cwd=folder, capture_output=True, text=True, check=True).stdout
    return Counter(folder / line.partition("::")[0] for line in listed.splitlines() if "::" in line)


def named(where: str, known: Counter[Path]) -> set[Path]:
    """The files that a cell of the table names, by path, by name or by folder."""
    names = re.findall(r"`([^`]+)`", where)
    return {path for path in known for name in names if path.is_relative_to(PROJECT / name) or path.name == name}


def figures() -> Iterator[str]:
    """A line for each promise, and what they come to."""
    known = cases(PROJECT, "--all") + cases(PROJECT / "rds_sandbox")
    rows = [(row["promise"], named(row["where"], known)) for row in ROW.finditer((PROJECT / "docs/reliability.md").read_text())]
    for promise, files in [*((promise, files) for promise, files in rows if files), ("all tests", set(known))]:
        properties = sum(path.read_text().count("@given(") for path in files)
        yield f"{sum(known[path] for path in files):6} cases, {properties:3} properties  {promise}"


if __name__ == "__main__":
    print(*figures(), sep="\n")
