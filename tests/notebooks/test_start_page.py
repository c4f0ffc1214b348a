"""notebooks/README.md, which `make lab` opens: it leads to every notebook, and to what is there."""

from __future__ import annotations

import json
import re

from cruddur_ops.runbook.notebooks import NOTEBOOKS

PAGE = (NOTEBOOKS / "README.md").read_text()
NAMES = sorted(path.name for path in NOTEBOOKS.glob("*.ipynb"))
ROW = re.compile(r"^\|[^|]+\| \[\w+\]\((?P<file>\S+)\) \| (?P<sections>[^|]+) \|$", re.MULTILINE)


def headings(name: str) -> set[str]:
    """The headings of a notebook."""
    cells = json.loads((NOTEBOOKS / name).read_text())["cells"]
    text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    return set(re.findall(r"^#+ (.+)$", text, re.MULTILINE))


def test_its_links_lead_to_files() -> None:
    """A notebook's is named as the file is."""
    links = re.findall(r"\[([^]]+)\]\(([^)]+)\)", PAGE)
    assert [] == [link for _, link in links if not (NOTEBOOKS / link).exists()]
    assert [] == [link for text, link in links if link.endswith(".ipynb") and link != f"{text}.ipynb"]


def test_who_was_paged_comes_first_and_finds_the_sections() -> None:
    """Each row of the first table names sections that the notebook has."""
    paged, _, wanted = PAGE.partition("## I want to …")
    assert "## I was paged because …" == re.findall("^## .*", PAGE, re.MULTILINE)[0]
    rows = [(row["file"], section) for row in ROW.finditer(paged) for section in row["sections"].split(" · ")]
    assert len(rows) > 10
    assert [] == [(name, section) for name, section in rows if section not in headings(name)]
    assert NAMES == re.findall(r"\((\d\d_\w+\.ipynb)\) \|$", wanted, re.MULTILINE)
