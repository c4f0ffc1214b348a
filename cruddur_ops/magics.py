"""ipython-sql's %sql, bound to the notebook's target and loud: what fails, fails the cell.

With StatementFailed where PostgreSQL refused it, in PostgreSQL's own words; DatabaseUnreachable where no connection came
about; and WrongInput where there is no variable `target`, or the cell names another connection.
"""

from typing import Any

import psycopg
import sql.connection
import sql.magic
import sql.parse
import sql.run
import sqlalchemy
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import line_cell_magic, magics_class, needs_local_scope, no_var_expand
from IPython.core.magic_arguments import parse_argstring
from IPython.display import display
from pgspecial.main import CommandNotFound, PGSpecial
from psycopg.types.string import TextLoader
from sqlalchemy import event
from traitlets import Bool

from cruddur_ops import targets
from cruddur_ops.database.connection import connect
from cruddur_ops.database.errors import StatementFailed
from cruddur_ops.database.tokens import statements, with_binds
from cruddur_ops.errors import OpsError, WrongInput
from cruddur_ops.target import Target


class Table(sql.run.ResultSet):  # type: ignore[misc]
    """A result whose cells JupyterLab shows as they are: no mathematics between two dollar signs, all spaces."""

    def _repr_html_(self) -> str | None:
        html = super()._repr_html_()
        return html and f'<div class="mathjax_ignore" style="white-space: pre-wrap">{html}</div>'


class TargetConnection(sql.connection.Connection):  # type: ignore[misc]
    """What ipython-sql takes for a connection, made from our engine: no URL, no password in it."""

    def __init__(self, target: Target) -> None:
        """Connect; each statement commits by itself, as in psql."""
        engine = sqlalchemy.create_engine(
            "postgresql+psycopg://",
            creator=lambda: connect(target),
            isolation_level="AUTOCOMMIT",
            use_native_hstore=False,  # saves a query for a type that nothing here uses
            hide_parameters=True,
        )
        event.listen(engine, "handle_error", _as_sentence)
        self.target = target
        self.url, self.dialect, self.name = engine.url, engine.dialect, target.name
        self.internal_connection = engine.connect()
        self.driver: Any = self.internal_connection.connection.driver_connection  # psycopg's connection
        sql.connection.Connection.connections = {target.name: self}
        sql.connection.Connection.current = self

    def alive(self) -> bool:
        """Whether the server still answers on it."""
        try:
            self.driver.execute("")
        except psycopg.OperationalError:
            return False
        return True

    def end(self) -> None:
        """End the session, and the one more that --persist opens."""
        self.internal_connection.invalidate()
        self.internal_connection.close()
        self.internal_connection.engine.dispose()


@magics_class
class SqlMagic(sql.magic.SqlMagic):  # type: ignore[misc]
    """ipython-sql's magic with quiet defaults; its options and `%config SqlMagic` work as ever."""

    displaycon = Bool(False, config=True, help="Show connection string after execute")
    feedback = Bool(False, config=True, help="Print number of rows affected by DML")
    connection: TargetConnection | None = None

    @no_var_expand  # braces and dollars are PostgreSQL's
    @needs_local_scope
    @line_cell_magic("sql")  # type: ignore[arg-type]  # IPython's hint leaves out the method's arguments
    def execute(self, line: str = "", cell: str = "", local_ns: dict[str, Any] | None = None) -> Any:
        r"""Run SQL on the database of the notebook's `target`, or psql's commands such as \dt.

        `:name` in the SQL is the notebook's variable `name`. `result << SELECT …` keeps the result. All else means what it
        means in psql; ipython-sql's options, such as --persist, stand first in the line, or last.
        """
        self._require_no_connection(line if _has_options(line) else "", line, cell)
        connection = self._connect(_target({**self.shell.user_ns, **(local_ns or {})}))
        statement = f"{line}\n{cell}".strip()
        if statement.startswith("\\"):
            return self._psql_command(connection, statement.rstrip(";"))
        if _has_options(line):
            return super().execute(line, cell, local_ns)
        return self._kept(statement, connection, {**self.shell.user_ns, **(local_ns or {})})

    execute.parser = sql.magic.SqlMagic.execute.parser

    def _connect(self, target: Target) -> TargetConnection:
        """The connection to this target: the one there is, if it still lives."""
        if self.connection and self.connection.target == target and self.connection.alive():
            return self.connection
        if self.connection:
            self.connection.end()
            self.connection = None
        self.connection = TargetConnection(target)
        return self.connection

    def _kept(self, text: str, connection: TargetConnection, names: dict[str, Any]) -> Any:
        """Run the statements; the result of the last one, or nothing where it goes to a variable."""
        parsed = sql.parse.parse(text, self)
        result = self._run(parsed["sql"], connection, names)
        if result is not None and self.column_local_vars:
            self.shell.user_ns.update(result.dict())
            return None
        shown = result.DataFrame() if result is not None and self.autopandas else result
        if parsed["result_var"]:
            print(f"Returning data to local variable {parsed['result_var']}")
            self.shell.user_ns[parsed["result_var"]] = shown
            return None
        return shown

    def _run(self, text: str, connection: TargetConnection, names: dict[str, Any]) -> Any:
        """Each statement as psycopg takes it, in a transaction of its own; ipython-sql has its own rules for ends and binds."""
        result = None
        for one in statements(text, "the cell"):
            if one.words[0] in ("BEGIN", "START"):
                raise WrongInput("each statement of %sql commits by itself: use `cruddur-ops db connect` for a transaction")
            statement, wanted = with_binds(text[one.start : one.end], "the cell")
            for name in sorted(wanted - names.keys()):
                raise WrongInput(f"A value is required for bind parameter '{name}': set a variable of this name")
            values = {name: names[name] for name in wanted}
            result = connection.internal_connection.exec_driver_sql(statement, values)
            connection.internal_connection.commit()
            if self.feedback:
                print(sql.run.interpret_rowcount(result.rowcount))
        return None if result is None else Table(result, self)

    def _require_no_connection(self, options: str, line: str, cell: str) -> None:
        """Refuse what names another connection: ipython-sql would only print that it fails."""
        arguments = parse_argstring(self.execute, sql.parse.without_sql_comment(self.execute.parser, options))
        named = (arguments.section, arguments.creator, arguments.connection_arguments, arguments.close)
        text = " ".join(arguments.line) if options else line
        if any(named) or sql.parse.parse(f"{text}\n{cell}", self)["connection"]:
            raise WrongInput("%sql is bound to the variable `target`: set that instead of naming a connection here")

    def _psql_command(self, connection: TargetConnection, command: str) -> Any:
        """Run a backslash command; ipython-sql itself shows one table, and nothing of what psql prints below it."""
        cursor = connection.driver.cursor()
        cursor.adapters.register_loader("timestamptz", TextLoader)  # RDS's master user is valid until infinity
        try:
            *others, last = PGSpecial().execute(cursor, command)
        except CommandNotFound as error:
            raise WrongInput(f"%sql does not know {command.split()[0]}: `%sql \\?` lists what it knows") from error
        except psycopg.Error as error:
            raise StatementFailed(_sentence(error)) from error
        for result in others:
            display(self._table(*result))
        return self._table(*last)

    def _table(self, _: Any, cursor: Any, headers: Any, status: Any) -> Any:
        """Print the lines below the table, and return the table."""
        if str(status).startswith("Did not find"):
            raise StatementFailed(status)
        if status and status != getattr(cursor, "statusmessage", None):
            print(status)
        return Table(sql.run.FakeResultProxy(cursor, headers), self) if headers else None


def _has_options(line: str) -> bool:
    """Whether options of ipython-sql stand first in the line, or last: anywhere else a dash is SQL's."""
    actions: list[Any] = SqlMagic.execute.parser._actions
    known = {option for action in actions for option in action.option_strings}
    words = [word.partition("=")[0] for word in line.split()]
    return bool(words) and (words[0] in known or words[-1] in ("--persist", "--append"))


def _target(names: dict[str, Any]) -> Target:
    """The target that the notebook's variable holds, as a value or by name."""
    named = names.get("target")
    if isinstance(named, Target):
        return named
    if isinstance(named, str):
        return targets.load(named)
    raise WrongInput('%sql works on the database of the variable `target`: set it first, as in target = "local"')


def _as_sentence(context: Any) -> BaseException | None:
    """Turn an error into one of ours: those pass through ipython-sql, others it prints, or SQLAlchemy wraps them."""
    original = context.original_exception
    if isinstance(original, OpsError):
        return type(original)(*original.args)
    if isinstance(original, psycopg.Error):
        return StatementFailed(_sentence(original))
    if isinstance(original, sqlalchemy.exc.InvalidRequestError):
        return WrongInput(f"{original.args[0]}: set a variable of this name")
    return None


def _sentence(error: psycopg.Error) -> str:
    return f"{str(error).strip()} (SQLSTATE {error.sqlstate})" if error.sqlstate else str(error).strip()


def load(shell: InteractiveShell) -> None:
    """Register %sql and %%sql."""
    shell.register_magics(SqlMagic)
