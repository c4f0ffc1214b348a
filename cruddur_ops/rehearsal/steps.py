"""What can be rehearsed: a step says what it is, refuses what cannot be done before a copy is made, and runs on the copy.

`check` raises WrongInput or NotOffered; `run` what the step itself raises.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cruddur_ops import queries
from cruddur_ops.database import planning, schema, scripts
from cruddur_ops.database.after_upgrade import plan_after_upgrade
from cruddur_ops.database.prechecks import blockers
from cruddur_ops.errors import WrongInput
from cruddur_ops.rds import instances, offers, provisioning, settings
from cruddur_ops.rds.upgrade import plan_upgrade
from cruddur_ops.rds.upgrade_paths import upgrade_path
from cruddur_ops.target import Target


class Step(Protocol):
    """A step that can be rehearsed."""

    @property
    def title(self) -> str:
        """Such as "upgrade to 18.1"."""

    def check(self, target: Target) -> None:
        """Refuse what cannot be done to the original."""

    def run(self, copy: Target) -> None:
        """Do it to the copy."""

    @property
    def files(self) -> tuple[Path, ...]:
        """The files of SQL that it runs, as far as they are known before."""


@dataclass(frozen=True)
class Upgrade:
    """An upgrade to a version, such as "18.1", or the newest minor of "18"; of several steps, the next."""

    version: str  # to which
    parameter_group: str = ""  # that the new major version is to have; RDS gives it a default one otherwise
    files: tuple[Path, ...] = ()

    @property
    def title(self) -> str:
        """What it is."""
        return f"upgrade to {self.version}"

    def check(self, target: Target) -> None:
        """Refuse a version that RDS does not offer to this very minor version, and one that is older or there."""
        path = upgrade_path(target, self.version)
        if not path.steps:
            raise WrongInput(f"{target.db_instance_identifier} runs PostgreSQL {path.running} already: name a newer version")
        if len(path.steps) > 1:
            message = f"RDS upgrades {path.running} to {path.wanted} by way of {path.steps[0]} alone"
            raise WrongInput(f"{message}: rehearse, and make, the upgrade to {path.steps[0]} first")

    def run(self, copy: Target) -> None:
        """The checks, the upgrade, what is new in the extensions, and statistics for the planner."""
        group = {"db_parameter_group_name": self.parameter_group} if self.parameter_group else {}
        plan_upgrade(copy.asking("rehearsal", **group), self.version, blockers, at_once=True).apply()
        plan_after_upgrade(copy).apply()


@dataclass(frozen=True)
class Modification:
    """Another class, another storage type, or both; what is empty stays."""

    instance_class: str = ""
    storage_type: str = ""
    files: tuple[Path, ...] = ()

    @property
    def title(self) -> str:
        """What it is."""
        return f"change to {' and '.join(self._values().values())}"

    def check(self, target: Target) -> None:
        """Refuse what RDS does not offer, and a change that is none."""
        if not self._values():
            raise WrongInput("nothing is to be changed: name a class, a storage type, or both")
        found = instances.require(target)
        offers.find(settings.resolved(target.asking("rehearsal", **self._values()), found, major=False), found)

    def run(self, copy: Target) -> None:
        """The change, at once."""
        provisioning.plan_instance(copy.asking("rehearsal", **self._values()), at_once=True).apply()

    def _values(self) -> dict[str, str]:
        named = {"db_instance_class": self.instance_class, "storage_type": self.storage_type}
        return {name: value for name, value in named.items() if value}


@dataclass(frozen=True)
class Migrations:
    """The migrations that the database lacks."""

    title = "migrations"

    def check(self, target: Target) -> None:
        """Refuse files that are no sequence, and where nothing waits."""
        if not schema.plan_migrations(target).mutating:
            raise WrongInput(f"the database of {target.name} lacks no migration: write one with `cruddur-ops db migration NAME`")

    def run(self, copy: Target) -> None:
        """As `db migrate` does."""
        schema.plan_migrations(copy).apply()

    @property
    def files(self) -> tuple[Path, ...]:
        """All of them: which ones the database lacks, the report's statements tell."""
        return tuple(sorted(queries.FOLDER.glob("migrations/*.up.sql")))


@dataclass(frozen=True)
class Script:
    """A file of SQL, run as a migration is: in a transaction, or outside of one where its first line says so."""

    path: Path

    @property
    def title(self) -> str:
        """What it is."""
        return f"script {self.path.name}"

    @property
    def files(self) -> tuple[Path, ...]:
        """The one."""
        return (self.path,)

    def check(self, target: Target) -> None:
        """Refuse a file that cannot be read, or run."""
        if scripts.is_outside(self._name):
            return
        scripts.require_runnable(self._name)

    def run(self, copy: Target) -> None:
        """Run it."""
        with planning.in_database(copy, False) as connection:
            if scripts.is_outside(self._name):
                scripts.run_outside(connection, self._name)
                return
            with connection.transaction():
                scripts.run(connection, self._name)

    @property
    def _name(self) -> str:
        """As `queries` calls it."""
        if self.path.suffix != ".sql":
            raise WrongInput(f"{self.path} does not end in .sql: name a file of SQL")
        return str(self.path.absolute().with_suffix(""))
