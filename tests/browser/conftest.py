"""The system's Chromium, and JupyterLab as `make lab` starts it, on a copy of the notebooks."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import pytest

import rds_sandbox
from cruddur_ops.state import PROJECT
from tests.notebooks.test_readme import OF_MAKE
from tests.unit.headless import until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PROGRAM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
COPIED = ("Makefile", "docs", "jupyter", "notebooks", "targets.toml")
GUARDED = '\n[guarded]\nsandbox = true\nprotected = true\ndb_instance_identifier = "guarded-instance"\n'
SPARE = '\n[spare]\nsandbox = true\ndb_instance_identifier = "spare-instance"\n'
OPTIONS = "--no-browser --port=0 --expose-app-in-browser"
RUN_ALL = """\
async path => {
  const { commands } = window.jupyterapp;
  const panel = await commands.execute("docmanager:open", { path });
  await panel.context.ready;
  await panel.sessionContext.ready;
  await commands.execute("notebook:run-all-cells");
  await panel.context.save();
}
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium; Playwright keeps an event loop in this thread, which other modules' tests are not to meet."""
    if not PROGRAM:
        pytest.skip("there is no Chromium: see the test that fails")
    from playwright.sync_api import sync_playwright  # a megabyte of Python

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=PROGRAM)
        yield browser
        browser.close()


@dataclass(frozen=True)
class Lab:
    """A JupyterLab that is open in the browser.

    Attributes:
        folder: what it was started in, a copy of what it shows of the project.
        home: where it keeps what a user has at home.
        page: its tab.
        requests: the URLs that the tab asked for.
    """

    folder: Path
    home: Path
    page: Page
    requests: list[str]

    def notebook(self, name: str) -> nbformat.NotebookNode:
        """A notebook as it is saved."""
        found: nbformat.NotebookNode = nbformat.read(self.folder / "notebooks" / f"{name}.ipynb", as_version=4)
        return found

    def on(self, target: str, name: str) -> str:
        """Copy a notebook of the project for another target, and return the copy's name."""
        text = (PROJECT / "notebooks" / f"{name}.ipynb").read_text()
        (self.folder / "notebooks" / f"{target}.ipynb").write_text(text.replace('= \\"local\\"', f'= \\"{target}\\"', 1))
        return target

    def run(self, name: str) -> list[nbformat.NotebookNode]:
        """Run all cells, save, and return the cells of code."""
        self.page.evaluate(RUN_ALL, f"notebooks/{name}.ipynb")
        return [cell for cell in self.notebook(name).cells if cell.cell_type == "code"]


@pytest.fixture(scope="module")
def lab(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """JupyterLab, on a sandbox of its own."""
    folder, home = tmp_path_factory.mktemp("lab"), tmp_path_factory.mktemp("home")
    for name in COPIED:
        copy = shutil.copytree if (PROJECT / name).is_dir() else shutil.copy
        copy(PROJECT / name, folder / name)
    with (folder / "targets.toml").open("a") as file:
        file.write(GUARDED + SPARE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RDS_SANDBOX_STATE_DIR", str(home / "sandboxes"))
        process = _start(folder, home)
        try:
            server = _server(process, home)
            context = browser.new_context(viewport={"width": 1400, "height": 1000})
            context.set_default_timeout(60_000)
            page, requests = context.new_page(), []
            page.on("request", lambda request: requests.append(request.url))
            page.goto(f"{server['url']}?token={server['token']}")
            page.wait_for_function("window.jupyterapp?.commands.hasCommand('docmanager:open')")  # it loads its parts by and by
            yield Lab(folder, home, page, requests)
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()
            rds_sandbox.down()


def _start(folder: Path, home: Path) -> subprocess.Popen[bytes]:
    """Run `make lab` without making an environment anew."""
    names = ("CONFIG", "DATA", "RUNTIME")
    own = {
        **{f"JUPYTER_{name}_DIR": home / name.lower() for name in names},
        "CRUDDUR_STATE_DIR": home / "state",
        "CRUDDUR_TARGETS": folder / "targets.toml",
        "IPYTHONDIR": home / "ipython",
    }
    inherited = {name: value for name, value in os.environ.items() if name not in OF_MAKE}
    environment = {**inherited, **{name: str(value) for name, value in own.items()}}
    command = ["make", "--old-file=env", f"PYTHON={sys.executable}", f"ARGS={OPTIONS}", "lab"]
    with (home / "log").open("w") as log:
        return subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True)


def _server(process: subprocess.Popen[bytes], home: Path) -> dict[str, Any]:
    """Where JupyterLab says that it listens, once it has said all of it."""

    def look() -> Any:
        said = [path.read_text() for path in (home / "runtime").glob("jpserver-*.json")]
        return process.poll() is not None or [json.loads(one) for one in said if one.endswith("}")]

    found = until(look)
    assert isinstance(found, list), (home / "log").read_text()
    server: dict[str, Any] = found[0]
    return server
