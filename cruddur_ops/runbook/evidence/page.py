"""index.html of a run: the table, a timeline, the changes, and each notebook; opens offline."""

import functools
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from cruddur_ops.approvals import SYMBOLS
from cruddur_ops.runbook.evidence import history

NAME = "index.html"
HERE = Path(__file__).parent
LINK = re.compile(r'<a href="(?!#|https?:)[^"]*"[^>]*>(.*?)</a>', re.DOTALL)  # to a file that is not beside the page


def render(record: Mapping[str, Any], folder: Path) -> str:
    """The page of a record, with the executed notebooks that are in the folder."""
    steps = record["notebooks"]
    paths = [folder / f"{step['name']}.ipynb" for step in steps]
    measured = any("recovery" in step.get("figures", {}) for step in steps)
    html: str = template("index.html.j2").render(
        run=record,
        steps=steps,
        timeline=timeline(steps),
        changes=[(step["name"], change, SYMBOLS[change["action"]]) for step in steps for change in step["changes"]],
        calls=[(step["name"], call) for step in steps for call in step["calls"]],
        waits=[(step["name"], wait) for step in steps for wait in step["waits"]],
        recoveries=history.recoveries(folder.parent, record["target"]) if measured else None,
        bodies={path.stem: body(path) for path in paths if path.exists()},
        summaries={step["name"]: f"{step['verdict']} in {step['seconds']} s; {step['summary']}".rstrip("; ") for step in steps},
        style=(HERE / "index.css").read_text(encoding="utf-8") + _highlighting(),
    )
    return html


def prepare() -> None:
    """Import what renders the notebooks, ahead of the first one."""
    _exporter()


@functools.cache
def body(notebook: Path) -> str:
    """An executed notebook as HTML, as nbconvert renders it, without a page around it; rendered once."""
    from nbformat import reads
    from nbformat.reader import NotJSONError

    try:
        document = reads(notebook.read_text(encoding="utf-8"), as_version=4)
    except NotJSONError:  # interrupted while it was written
        return "<p>The notebook was cut off while it was written.</p>"
    for cell in document.cells:
        if "outputs" in cell:
            cell.outputs = [output for output in cell.outputs if output.get("data") != {}]  # a progress bar leaves an empty one
    html, _ = _exporter().from_notebook_node(document)
    reachable = html.replace('<div class="output_html', '<div tabindex="0" class="output_html')  # it scrolls by keyboard
    return LINK.sub(r"\1", reachable)


def timeline(steps: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """For each notebook that ran, its cells as bars: where they begin and how long they are, in percent of the run."""
    moments = [moment for step in steps for cell in step["cells"] for moment in _span(cell)]
    if not moments:
        return []
    first, whole = min(moments), max(moments) - min(moments) or 1.0
    return [
        {"name": step["name"], "bars": [_bar(cell, first, whole) for cell in step["cells"]]} for step in steps if step["cells"]
    ]


def _span(cell: Mapping[str, Any]) -> tuple[float, float]:
    began = datetime.fromisoformat(cell["began"]).timestamp()
    return began, began + cell["seconds"]


def _bar(cell: Mapping[str, Any], first: float, whole: float) -> dict[str, Any]:
    began, ended = _span(cell)
    left, width = 100 * (began - first) / whole, 100 * (ended - began) / whole
    return {"left": round(left, 2), "width": round(width, 2), "title": f"{cell['line']}: {cell['seconds']} s"}


@functools.cache
def template(name: str, folder: Path = HERE) -> Any:
    """A template of jinja2 that escapes what it is given."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template(name)


@functools.cache
def _exporter() -> Any:
    from nbconvert.exporters import HTMLExporter

    return HTMLExporter(template_name="basic", exclude_input_prompt=True, exclude_output_prompt=True, exclude_anchor_links=True)


def _highlighting() -> str:
    from pygments.formatters import HtmlFormatter

    light, dark = (HtmlFormatter(style=name, nobackground=True).get_style_defs(".highlight") for name in ("xcode", "monokai"))
    return f"{light}\n@media screen and (prefers-color-scheme: dark) {{\n{dark}\n}}"
