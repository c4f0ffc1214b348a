"""The notebooks in JupyterLab, as an engineer sees them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from nbval.plugin import coalesce_streams, transform_streams_for_comparison

import rds_sandbox
from tests.browser.conftest import PROGRAM, RUN_ALL, Lab
from tests.notebooks.test_outputs import NAMES
from tests.sandbox.support import make_client
from tests.unit.headless import until

# What nbval leaves out of its strict comparison, too.
LEFT_OUT = {"data", "execution_count", "image/png", "metadata", "output_type", "text"}
FIGURES = """\
async path => {
  const panel = [...window.jupyterapp.shell.widgets("main")].find(one => one.context?.path === path);
  await panel.sessionContext.shutdown();
  const shown = kind => [...panel.node.querySelectorAll(`.jp-Cell-outputWrapper ${kind}`)];
  return {
    images: shown("img").filter(image => image.complete && image.naturalWidth > 0).length,
    tables: shown("table").filter(table => table.rows.length > 0).length,
    formulas: shown("mjx-container").length,
  };
}
"""


def test_chromium_is_installed() -> None:
    """Playwright drives the system's; all other tests of this folder are skipped without."""
    assert PROGRAM, "no Chromium is on the PATH: apt-get install chromium"


def test_it_opens_at_the_start_page(lab: Lab) -> None:
    """Rendered, with links that open notebooks; no question is asked, nobody else is asked anything."""
    lab.page.get_by_role("heading", name="I was paged because …").wait_for()
    lab.page.locator(".jp-RenderedMarkdown a", has_text="00_preflight").first.click()
    lab.page.get_by_role("heading", name="00 · Preflight").wait_for()
    assert 0 == lab.page.locator(".jp-toast-message, .Toastify__toast").count()
    origin = lab.page.evaluate("location.origin")
    assert [] == [url for url in lab.requests if not url.startswith((origin, "data:", "blob:"))]
    assert [] == [url for url in lab.requests if "/lab/api/news" in url or "/lab/api/update" in url]
    assert not lab.page.evaluate("window.jupyterapp.commands.isToggled('docmanager:toggle-autosave')")


def errors(cells: Iterable[Any]) -> list[tuple[str, str]]:
    """The errors that cells show, each with the cell's id."""
    return [(output.ename, cell.id) for cell in cells for output in cell.get("outputs", []) if output.output_type == "error"]


def shown(cell: Any) -> list[tuple[str, Any]]:
    """What a cell shows, by kind, in order."""
    outputs = transform_streams_for_comparison(coalesce_streams(cell.outputs))
    pairs = [pair for output in outputs for pair in {**output, **output.get("data", {})}.items() if pair[0] not in LEFT_OUT]
    return sorted(pairs, key=lambda pair: pair[0])


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_shows_what_is_committed(lab: Lab, name: str) -> None:
    """Run in order, each from top to bottom, and its kernel ended: every output; images and tables are seen, no formula."""
    committed = [cell for cell in lab.notebook(name).cells if cell.cell_type == "code"]
    fresh = lab.run(name)
    compared = [index for index, cell in enumerate(committed) if "nbval-ignore-output" not in cell.metadata.get("tags", [])]
    assert [shown(committed[index]) for index in compared] == [shown(fresh[index]) for index in compared]
    data = [output.data for cell in fresh for output in cell.outputs if "data" in output]
    expected = {
        "images": sum("image/png" in one for one in data),
        "tables": sum("<table" in one.get("text/html", "") for one in data),
        "formulas": 0,
    }
    assert expected == lab.page.evaluate(FIGURES, f"notebooks/{name}.ipynb")


def test_a_protected_target_stops_at_the_first_change(lab: Lab) -> None:
    """The plan is shown, the cell that would apply it fails, and no later one runs."""
    cells = lab.run(lab.on("guarded", "01_provision_rds"))
    first = next(cell for cell in cells if "apply" in cell.metadata.get("tags", []))
    assert [("ConfirmationRequired", first.id)] == errors(cells)
    assert cells.index(first) + 1 == sum(cell.execution_count is not None for cell in cells)


def test_interrupted_it_can_be_run_again(lab: Lab) -> None:
    """In the midst of the creation of an instance: the second run finds it, and goes through."""
    name, sandbox = lab.on("spare", "01_provision_rds"), rds_sandbox.find()
    rds = make_client(sandbox.environment, "rds")
    sandbox.simulate("delay", seconds=5)
    lab.page.evaluate(f"path => {{ window.ended = ({RUN_ALL})(path); }}", f"notebooks/{name}.ipynb")
    until(lambda: any(one["DBInstanceIdentifier"] == "spare-instance" for one in rds.describe_db_instances()["DBInstances"]))
    lab.page.evaluate("window.jupyterapp.commands.execute('notebook:interrupt-kernel')")
    lab.page.evaluate("window.ended")
    assert ["KeyboardInterrupt"] == [error for error, _ in errors(lab.notebook(name).cells)]
    sandbox.simulate("delay", seconds=0)
    assert [] == errors(lab.run(name))
