"""Runs one notebook through papermill, in a kernel that runs already. Slow to import: 1 s."""

import json
import logging
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# jsonschema, which nbformat loads, builds this grammar at import, for the format of URIs that no
# notebook has: 1 to 3 s. None in sys.modules makes the import fail, which jsonschema allows for
# (Python's reference, 5.3.1 "The module cache").
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

from nbclient.exceptions import CellTimeoutError, DeadKernelError  # noqa: E402
from papermill import PapermillExecutionError, execute_notebook  # noqa: E402
from papermill.clientwrap import PapermillNotebookClient  # noqa: E402
from papermill.engines import NBClientEngine, papermill_engines  # noqa: E402

from cruddur_ops.errors import RunFailed  # noqa: E402
from cruddur_ops.runbook import evidence  # noqa: E402
from cruddur_ops.runbook.kernels import Kernel  # noqa: E402
from cruddur_ops.runbook.report import Bar  # noqa: E402

ENGINE = "cruddur-ops"
logging.getLogger("papermill").addHandler(logging.NullHandler())  # we tell of failures ourselves


@dataclass
class Limits:
    """How many seconds a cell may take, and the notebook; its clock runs from the moment that the kernel answers."""

    cell: float
    notebook: float
    began: float = field(default_factory=time.monotonic)

    def left(self) -> float:
        """How many seconds the next cell has."""
        return max(min(self.cell, self.began + self.notebook - time.monotonic()), 0.001)

    def reached(self) -> str:
        """Which limit was reached, with what raises it."""
        whole = time.monotonic() - self.began >= self.notebook
        name, seconds, option = ("notebook", self.notebook, "notebook") if whole else ("cell", self.cell, "cell")
        remedy = f"see above what it waits for; if that takes its time, repeat with a larger --{option}-timeout"
        return f"the {name} took longer than {seconds:.0f} seconds: {remedy}"


class Client(PapermillNotebookClient):  # type: ignore[misc]  # papermill has no type hints
    """papermill's client, which shows where it is, keeps to limits, and marks the cell that never came back."""

    def __init__(self, manager: Any, kernel: Kernel, bar: Bar, limits: Limits) -> None:
        """Run the manager's notebook in this kernel."""
        super().__init__(manager, km=kernel.manager, coalesce_streams=True, timeout_func=lambda _: limits.left())
        self.kc = kernel.client
        self.bar = bar
        self.limits = limits

    def execute_cell(self, cell: Any, cell_index: int, **options: Any) -> Any:
        """Execute a cell; an interrupt, a limit or the kernel's death leaves it marked as failed."""
        self.bar.cell(cell_index)
        try:
            return super().execute_cell(cell, cell_index, **options)
        except CellTimeoutError as error:
            self.nb_man.cell_exception(cell, cell_index)
            raise RunFailed(self.limits.reached()) from error
        except (KeyboardInterrupt, DeadKernelError):
            self.nb_man.cell_exception(cell, cell_index)
            raise

    def process_message(self, msg: Any, *arguments: Any, **options: Any) -> Any:
        """Take an output of the running cell, and show its last line."""
        self.bar.say(said(msg))
        return super().process_message(msg, *arguments, **options)


class Engine(NBClientEngine):  # type: ignore[misc]  # papermill has no type hints
    """papermill's engine, with a kernel given rather than started."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **options: Any) -> Any:
        """Execute the notebook of papermill's manager."""
        nb_man.save = lambda **_: save(nb_man)
        return Client(nb_man, options["kernel"], options["bar"], options["limits"]).execute()


def said(message: Mapping[str, Any]) -> str:
    """What a kernel's message prints, or shows in the place of what it showed before, as a wait does."""
    content = message["content"]
    if message["msg_type"] == "update_display_data":
        return str(content["data"].get("text/plain", ""))
    return str(content["text"]) if message["msg_type"] == "stream" else ""


def save(manager: Any) -> None:
    """Write the notebook as it stands, whole at any moment; papermill itself validates it each time, twice a cell."""
    evidence.replace_whole(Path(manager.output_path), json.dumps(manager.nb))


papermill_engines.register(ENGINE, Engine)


def run(notebook: Path, values: Mapping[str, Any], kernel: Kernel, bar: Bar, limits: Limits) -> str:
    """Execute a notebook in this kernel, in place; returns what failed, in a line, or "" where nothing did."""
    try:
        kernel.wait()
        limits.began = time.monotonic()
        _execute(notebook, values, kernel=kernel, bar=bar, limits=limits)
    except PapermillExecutionError as error:
        return sentence(error.ename, error.evalue, error.traceback)
    except DeadKernelError:
        return f"the kernel process ended in this cell with exit code {kernel.exit_code()}: see what it does, then repeat the run"
    except RunFailed as error:
        return str(error)
    return ""


def _execute(notebook: Path, values: Mapping[str, Any], **options: Any) -> None:
    path = str(notebook).replace("{", "{{").replace("}", "}}")  # papermill takes a path for a format string
    execute_notebook(path, path, dict(values), ENGINE, progress_bar=False, **options)


def sentence(name: str, message: str, traceback: Sequence[str]) -> str:
    """A failure in one line: in full where it is an OpsError, which renders as one; else its first line."""
    if name == AssertionError.__name__ and not message:
        message = "what this cell asserts does not hold: its paragraph says what that means, what it printed says what was found"
    lines = message.strip().splitlines()
    text = " ".join(lines) if len(traceback) == 1 else "".join(lines[:1])
    return f"{name}: {text}" if text else name
