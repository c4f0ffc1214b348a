"""Kernels of a run: what they are forked from, what they find loaded, their limits, and how they end."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from cruddur_ops.runbook import evidence, execution, forkserver
from cruddur_ops.runbook.kernels import Kernels, Manager, Provisioner
from tests.unit.headless import Finished, Project, alive, finish

LOADED = "import sys\nprint(sorted({'boto3', 'ipykernel', 'psycopg'} & set(sys.modules)))"
PARENT = (
    "import os, psutil\nparent = psutil.Process(os.getppid())\nprint('forkserver' in parent.cmdline()[-1], parent.num_threads())"
)


def printed(project: Project, name: str) -> list[str]:
    """What the cells of the run's executed notebook printed."""
    document = json.loads(next(project.folder.glob(f"runs/*/{name}.ipynb")).read_text())
    return ["".join(output["text"]).strip() for output in evidence.outputs(document)]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Finished, Project]:
    """A run of three notebooks, one of which needs much."""
    project = Project(tmp_path_factory.mktemp("kernels"))
    project.write("00_first", "from cruddur_ops import database\nx = 1", "import os\nprint(os.environ['CRUDDUR_LEDGER'])", PARENT)
    project.write("01_second", LOADED, "print('x' in globals())", "import os\nprint(os.environ['CRUDDUR_LEDGER'])")
    project.write("02_third", "%load_ext cruddur_ops", "rows = None\nif rows: rows.plot()")
    return project.run("run", "--target", "plain"), project


def test_kernels_are_forked_from_a_process_without_threads(run: tuple[Finished, Project]) -> None:
    """A fork copies only the thread that forks."""
    finished, project = run
    assert 0 == finished.code, finished
    assert "True 1" == printed(project, "00_first")[1]


def test_what_the_notebooks_use_is_loaded_already(run: tuple[Finished, Project]) -> None:
    """The fork server did it once for all kernels."""
    assert "['boto3', 'ipykernel', 'psycopg']" == printed(run[1], "01_second")[0]


def test_each_kernel_has_its_own_variables_and_environment(run: tuple[Finished, Project]) -> None:
    """Nothing of one notebook is seen in the next."""
    first, second = printed(run[1], "00_first")[0], printed(run[1], "01_second")[1:]
    assert "False" == second[0]
    assert ("00_first.ledger.jsonl", "01_second.ledger.jsonl") == (Path(first).name, Path(second[1]).name)


def test_a_killed_kernel_is_told_by_its_signal(project: Project) -> None:
    """The fork server reports how it ended, and nothing else is said: not of the lock of a progress bar either."""
    bar = "from cruddur_ops import progress\nwith progress.waiting('x') as show: show('y')"
    project.write("00_first", bar, "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
    finished = finish(project.start("run", "--target", "plain"))
    assert (1, True) == (finished.code, "exit code -9" in finished.stderr)
    assert "leaked" not in finished.stderr


def test_the_end_of_the_fork_server_ends_the_run(project: Project) -> None:
    """The notebook fails in a sentence, and no kernel is left."""
    end = "import os, signal, time\nprint(os.getpid(), flush=True)\nos.kill(os.getppid(), signal.SIGKILL)\ntime.sleep(60)"
    project.write("00_first", end)
    finished = finish(project.start("run", "--target", "plain"))
    assert (1, True) == (finished.code, "exit code 255" in finished.stderr)
    assert not alive(int(printed(project, "00_first")[0]))


def test_a_cell_has_a_limit(project: Project) -> None:
    """The panel says which limit and which cell; what was printed until then is kept."""
    project.write("00_first", "import time\nprint('before')", "time.sleep(100)", "never = 1")
    finished = project.run("run", "--target", "plain", "--cell-timeout", "1")
    (why,) = [line for line in finished.stderr.splitlines() if line.startswith("  why ")]
    assert 1 == finished.code
    assert "] time.sleep(100)\n" in finished.stderr
    assert re.search("the cell took longer than 1 seconds: .* larger --cell-timeout", why)
    assert ["before"] == printed(project, "00_first")


def test_a_notebook_has_a_limit() -> None:
    """A cell has no longer than its notebook has left."""
    limits = execution.Limits(cell=60, notebook=100, began=time.monotonic() - 90)
    assert 9 < limits.left() <= 10
    assert "the cell took longer than 60" in limits.reached()
    late = execution.Limits(cell=60, notebook=100, began=time.monotonic() - 100)
    assert 0.001 == late.left()
    assert re.search("the notebook took longer than 100 seconds: .* larger --notebook-timeout", late.reached())


def test_an_interrupt_is_over_when_the_kernels_are_stopped(tmp_path: Path) -> None:
    """asyncio raises it once more for each task that waits for the one that met it: none of these gets out of the stop."""

    async def interrupted() -> None:
        raise KeyboardInterrupt

    async def waiting(inner: asyncio.Task[None]) -> None:
        await inner

    with Kernels(tmp_path) as kernels:
        loop = kernels.loop
        inner = loop.create_task(interrupted())
        outer = [loop.create_task(waiting(inner)) for _ in range(3)]
        with pytest.raises(KeyboardInterrupt):
            loop.run_until_complete(outer[-1])
        kernels.stop()
        assert all(task.done() for task in outer)
        assert "next" == loop.run_until_complete(asyncio.sleep(0, "next"))


def test_a_kernel_that_has_just_ended_takes_a_signal() -> None:
    """Between the look at it and the signal it may go: whoever ends it goes on."""
    gone = subprocess.Popen(["true"])
    gone.wait()
    provisioner = Provisioner(kernel_id="x", kernel_spec=Manager().kernel_spec)
    provisioner.process = SimpleNamespace(pid=gone.pid, exitcode=None)
    asyncio.run(provisioner.send_signal(signal.SIGINT))


def test_a_kernel_whose_start_was_interrupted(tmp_path: Path) -> None:
    """Nobody knows of its process yet: it ends with the block all the same, else Python would wait for it at its end."""
    with Kernels(tmp_path):
        process = forkserver.CONTEXT.Process(target=time.sleep, args=(600,))
        process.start()
    process.join(30)
    assert -signal.SIGKILL == process.exitcode
