"""Whether migrations may go to production: what a small table cannot show in time, found on an empty one.

A statement that reads a table from end to end, or writes it anew, takes as long as the table is large; that its transaction
meanwhile keeps others waiting is seen on a table without rows, too. WrongInput is raised where a large table is met so.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from cruddur_ops import queries
from cruddur_ops.database import creation, migrations, planning, schema
from cruddur_ops.database.status import COUNTED
from cruddur_ops.errors import WrongInput
from cruddur_ops.rehearsal import lint
from cruddur_ops.rehearsal.locks import WAITING, Timed, watching
from cruddur_ops.target import Target

LARGE = COUNTED  # rows
ANEW = "add a column without NOT NULL and DEFAULT beside it, fill that in batches, and change over in a migration of its own"
NOT_VALID = "add the constraint with NOT VALID, and VALIDATE it in a migration of its own, which keeps nobody waiting"
CONCURRENTLY = "write CREATE INDEX CONCURRENTLY, alone in a migration whose first line is `-- cruddur-ops: outside a transaction`"


@dataclass(frozen=True)
class Finding:
    """A statement that keeps others waiting for as long as a large table takes."""

    statement: Timed
    table: str
    rows: int | None  # in production; None where nobody knows

    def __str__(self) -> str:
        """A sentence for the author of the migration."""
        one = self.statement
        does = "writes all rows of" if self.table in one.rewritten else "reads all rows of"
        waits = WAITING[one.locks[self.table]]
        untold = f"nobody has told how many production has, as with `--rows {self.table}=5000`"
        many = f"production has {self.rows:,}" if self.rows is not None else untold
        where = f"sql/{one.file}.sql, line {one.line}"
        return f"{where}: this {one.kind} {does} {self.table}, and {waits} it waits meanwhile; {many}: {self._remedy()}"

    def _remedy(self) -> str:
        if self.table in self.statement.rewritten:
            return ANEW
        return CONCURRENTLY if self.statement.kind == "CREATE INDEX" else NOT_VALID


@dataclass(frozen=True)
class Checked:
    """What was found in migrations."""

    migrations: tuple[str, ...]
    findings: tuple[Finding, ...]
    warnings: tuple[str, ...]

    def __str__(self) -> str:
        """What squawk says, and that nothing stands in the way."""
        lines = [f"squawk: {one}" for one in self.warnings]
        passed = f"{', '.join(self.migrations)}: no large table is read or written anew while others wait"
        return "\n".join([*lines, *([] if self.findings else [passed])])

    def require_passed(self) -> None:
        """Refuse what would keep production waiting."""
        if self.findings:
            raise WrongInput("\n".join(map(str, self.findings)))


def check(target: Target, newest: int, rows: Mapping[str, int]) -> Checked:
    """Bring a new database to where the newest migrations begin, and watch these.

    Args:
        target: on a server of its own, without that database yet.
        newest: how many migrations.
        rows: of the tables in production; one that is not among them is taken for large.
    """
    found = migrations.available()
    chosen = found[max(1, len(found) - newest) :]
    if not chosen:
        raise WrongInput("sql/migrations/ has the first schema alone: there is nothing to check")
    creation.plan_create(target).apply()
    for one in found[: -len(chosen)]:
        with planning.changing(target) as connection:
            schema.apply(connection, one)
    with watching(target) as watch:
        schema.plan_migrations(target).apply()
    findings = tuple(findings_of(watch.statements, rows))
    warnings = lint.told(queries.FOLDER / f"{one.up}.sql" for one in chosen)
    return Checked(tuple(one.name for one in chosen), findings, warnings)


def findings_of(statements: Sequence[Timed], rows: Mapping[str, int]) -> Iterator[Finding]:
    """The statements that read or write all of a large table which their transaction has locked."""
    for one in statements:
        for table in sorted({*one.scanned, *one.rewritten} & one.locks.keys()):
            if rows.get(table, LARGE) >= LARGE:
                yield Finding(one, table, rows.get(table))
