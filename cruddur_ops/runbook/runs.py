"""What a run is asked for, checked in full before anything is touched; WrongInput is raised where it cannot be used."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cruddur_ops import targets
from cruddur_ops.database.location import database_name
from cruddur_ops.errors import ConfirmationRequired
from cruddur_ops.runbook import notebooks, parameters
from cruddur_ops.runbook.evidence import storage
from cruddur_ops.runbook.notebooks import Notebook, Selection
from cruddur_ops.runbook.parameters import Given
from cruddur_ops.state import PROJECT
from cruddur_ops.target import SETTINGS, Target

RUNS = Path(os.environ.get("CRUDDUR_RUNS") or PROJECT / "runs").absolute()
CELL_SECONDS = 2 * 60 * 60  # RDS takes up to an hour to create or restore a small instance
NOTEBOOK_SECONDS = 6 * 60 * 60


@dataclass(frozen=True)
class Request:
    """What somebody asks for, not yet checked."""

    selection: Selection = Selection()
    target: str = "local"
    confirm: str = ""  # the DB instance identifier, to change a protected target
    options: Mapping[str, str] = field(default_factory=dict)  # other parameters, as text
    parameters_file: Path | None = None
    given: Mapping[str, Given] = field(default_factory=dict)  # parameters of an earlier run, which this one takes over
    plan_only: bool = False  # leave out the cells that change anything
    verified: frozenset[str] = frozenset()  # notebooks that passed before: only where their postconditions fail they run again
    approved: Path | None = None  # the file of the plan that may be applied, and nothing else
    cell_seconds: int = CELL_SECONDS
    notebook_seconds: int = NOTEBOOK_SECONDS
    evidence_url: str = ""  # where in S3 a copy of the evidence goes
    origin: Mapping[str, str] = field(default_factory=dict)  # the earlier run or plan that this one goes on from


@dataclass(frozen=True)
class Run:
    """A run that was checked and can begin; nothing was touched yet."""

    notebooks: tuple[Notebook, ...]  # in the order in which they run
    target: Target
    given: Mapping[str, Given]  # the values of their parameters, `target` and `confirm` among them
    request: Request

    @property
    def plan_only(self) -> bool:
        """Whether it only shows what would change."""
        return self.request.plan_only

    @property
    def changing(self) -> bool:
        """Whether it has cells that change anything."""
        return not self.plan_only and any(notebook.changing for notebook in self.notebooks)

    @property
    def without_aws(self) -> bool:
        """Whether it works on the server of a connection URL alone."""
        return bool(self.target.connection_url) and all(notebook.database_only for notebook in self.notebooks)

    @property
    def needs_sandbox(self) -> bool:
        """Whether a sandbox has to be started: the target is one, none is up, and AWS will be called."""
        return self.target.sandbox and not self.target.endpoint_url and not self.without_aws

    @property
    def unwanted_variable(self) -> str:
        """The variable with a connection URL, where a rehearsal on the sandbox makes an instance of its own; else empty."""
        variable = targets.connection_variable(self.target.name)
        rehearsal = self.target.sandbox and not self.without_aws
        return variable if rehearsal and os.environ.get(variable) else ""


def check(request: Request, folder: Path | None = None) -> Run:
    """Check everything that a run of the notebooks in a folder, the project's by default, is given."""
    chosen = tuple(notebooks.read(path) for path in notebooks.select(folder or notebooks.NOTEBOOKS, request.selection))
    offered = {name for notebook in chosen for name in notebook.parameters} - {"target", "confirm"}
    given = {**parameters.gather(request.options, request.parameters_file, offered), **request.given}
    typed = {name: value for notebook in chosen for name, value in parameters.typed_values(given, notebook.parameters).items()}
    target = targets.load(request.target, **{name: value for name, value in typed.items() if name in SETTINGS})
    _require_match(target, request.confirm)
    if request.evidence_url:
        storage.split(request.evidence_url)
    targets.require_real_endpoint(target)
    named = {"target": request.target, **({"confirm": request.confirm} if request.confirm else {})}
    run = Run(chosen, target, {**given, **{name: Given(text, parameters.COMMAND_LINE) for name, text in named.items()}}, request)
    if target.connection_url and not run.unwanted_variable:
        database_name(target)  # which refuses a URL that cannot be used
    if run.changing and not run.without_aws:
        targets.require_pinned(target)
    return run


def _require_match(target: Target, confirm: str) -> None:
    if confirm and confirm != target.db_instance_identifier:
        message = (
            f'"{confirm}" is not the DB instance of target {target.name} and nothing was changed: '
            f"if you mean that one, repeat with --confirm {target.db_instance_identifier}"
        )
        raise ConfirmationRequired(message)
