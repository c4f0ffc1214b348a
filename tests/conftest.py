"""What all tests share: a clean environment, and tests that cost money or minutes only with a flag."""

from __future__ import annotations

import functools
import gc
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

FOREIGN = ("AWS_", "CRUDDUR_", "DB_SG_", "PG", "RDS_SANDBOX_")
ADDRESSES = ("LOCAL_IP", "GITPOD_IP", "CONNECTION_URL", "PROD_CONNECTION_URL")
TESTS = Path(__file__).parent
ON_REQUEST = {
    TESTS / "benchmarks": "takes minutes, and measures nothing",
    TESTS / "browser": "takes minutes, and needs Chromium",
    TESTS / "live": "acts on a real AWS account",
    TESTS / "wheels": "takes minutes, and needs a package index",
}
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # slow to import: see runbook/execution.py
LONGEST = ("test_runs", "test_kills", "test_late")
FORKING = ("notebooks/test_runs", "unit/test_runbook", "unit/test_kernels", "unit/test_resume", "unit/test_plans",
           "unit/test_notify", "database/test_run_locks", "notebooks/test_private", "unit/test_cli")  # fmt: skip
gc.disable()  # until all tests are collected: it would look through all of them again and again
settings.register_profile("some", deadline=None, max_examples=15)  # no deadline: a busy machine is no failure
settings.register_profile("all", deadline=None)


def pytest_addoption(parser: pytest.Parser) -> None:
    """A flag for everything that takes minutes, and one for each folder of tests that runs only on request."""
    parser.addoption("--all", action="store_true", help="run what takes minutes too: every case, with more examples of each")
    parser.addoption("--mixed", type=float, default=3, metavar="MINUTES", help="how long to mix verbs, with --all")
    parser.addoption("--mixed-seed", type=int, default=1, help="what to draw them from")
    parser.addoption("--live", action="store_true", help="run the tests that act on a real AWS account")
    parser.addoption("--benchmarks", action="store_true", help="run each benchmark once, with little data: minutes")
    parser.addoption("--browser", action="store_true", help="open the notebooks and a run's page in Chromium: minutes")
    parser.addoption("--wheels", action="store_true", help="install the wheels as others would: minutes, and a package index")


def pytest_configure(config: pytest.Config) -> None:
    """Choose how thorough the tests are."""
    config.addinivalue_line("markers", "thorough: one more case of a behaviour that is tested anyway; with --all only")
    settings.load_profile("all" if config.getoption("--all") else "some")
    if config.getoption("--all"):
        config.option.benchmarks = config.option.browser = config.option.wheels = True
    _write_to_memory()
    # What a shell that starts this in the background, or nohup, has it ignore, and all its children.
    for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)


def _write_to_memory() -> None:
    """Let the servers' files be in memory where there is plenty: on a disk, half of their work is writing."""
    memory = Path("/dev/shm")
    if "TMPDIR" in os.environ or not memory.is_dir() or shutil.disk_usage(memory).free < 4 << 30:
        return
    if not os.statvfs(memory).f_flag & os.ST_NOEXEC:  # root's sandboxes run a copy of the server's programs there
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir())  # what tests leave to look at stays on disk
        os.environ["TMPDIR"] = tempfile.tempdir = str(memory)


def pytest_xdist_auto_num_workers() -> int:
    """Three processes more than there are cores: half of a test's time is waiting."""
    return (os.cpu_count() or 1) + 3


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Let a file stay on one process, since its tests may share what it set up; and all that fork kernels on the same one."""
    if config.getoption("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]

    class Scheduling(LoadFileScheduling):  # type: ignore[misc]  # xdist has no type hints
        def _split_scope(self, nodeid: str) -> str:
            path: str = super()._split_scope(nodeid)
            return "kernels" if path.removesuffix(".py").endswith(FORKING) else path

    return Scheduling(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let the longest files come first, and leave out what costs money or minutes unless it is asked for."""
    items.sort(key=lambda item: LONGEST.index(item.path.stem) if item.path.stem in LONGEST else len(LONGEST))
    for folder, reason in ON_REQUEST.items():
        if not config.getoption(f"--{folder.name}"):
            skip = pytest.mark.skip(reason=f"{reason}: run it with --{folder.name}")
            for item in items:
                if item.path.is_relative_to(folder):
                    item.add_marker(skip)
    if not config.getoption("--all"):
        dropped = [item for item in items if item.get_closest_marker("thorough")]
        config.hook.pytest_deselected(items=dropped)
        items[:] = [item for item in items if item not in dropped]


def pytest_collection_finish() -> None:
    """Look for garbage in what comes from now on, and seldom: by default that is a fifth of the time of the unit tests."""
    from cruddur_ops import garbage

    garbage.settle()
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def _clean_environment(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[pytest.MonkeyPatch]:
    """No variable of the developer's shell, no file of the developer's home reaches a test that is not live."""
    with pytest.MonkeyPatch.context() as patch:
        if pytestconfig.getoption("--live"):
            yield patch
            return
        for name in list(os.environ):
            if name.startswith(FOREIGN) and name != "RDS_SANDBOX_PG_BIN" or name in ADDRESSES:
                patch.delenv(name)
        home = tmp_path_factory.mktemp("home")
        patch.setenv("CRUDDUR_STATE_DIR", str(home / "state"))
        patch.setenv("RDS_SANDBOX_STATE_DIR", str(home / "sandboxes"))
        patch.setenv("AWS_CONFIG_FILE", str(home / "aws-config"))
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(home / "aws-credentials"))
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setenv("RDS_SANDBOX_DELAY", "0.02")  # seconds that a status lasts
        yield patch


@pytest.fixture(scope="session", autouse=True)
def _no_dawdling() -> Iterator[None]:
    """All waiting is short: what is waited for comes at once from a stub, and soon from a sandbox, where each look is work."""
    from cruddur_ops import progress

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(progress, "FIRST_PAUSE_SECONDS", 0.1)
        patch.setattr(progress, "LONGEST_PAUSE_SECONDS", 0.3)
        yield


@pytest.fixture(scope="session", autouse=True)
def _models_read_once() -> Iterator[None]:
    """All sessions of botocore share its models: EC2's alone take half a second to read."""
    from botocore import loaders, session

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "create_loader", functools.cache(loaders.create_loader))
        yield


@pytest.fixture(scope="session", autouse=True)
def no_session_left() -> Iterator[None]:
    """Close the sessions that single statements left open: their sockets would be told at the end."""
    from cruddur_ops.database import connection

    yield
    connection.close_sessions()
