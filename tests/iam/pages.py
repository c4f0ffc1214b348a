"""What says in words what actions.json says: a page for each notebook, and the table in its first cell."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cruddur_ops.iam import policies
from cruddur_ops.runbook.notebooks import NOTEBOOKS
from cruddur_ops.state import PROJECT
from cruddur_ops.target import Target

FOLDER = PROJECT / "docs" / "iam"
EXAMPLE = Target("prod", account_id="123456789012")
ROW = re.compile(r"\| Permissions \| .*?`cruddur-ops iam policy \d\d`")


def write() -> None:
    """All of them."""
    FOLDER.mkdir(exist_ok=True)
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        page(path).write_text(text(path.stem), encoding="utf-8")
        document = json.loads(path.read_text(encoding="utf-8"))
        document["cells"][0]["source"] = with_row(path.stem, "".join(document["cells"][0]["source"])).splitlines(keepends=True)
        path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def page(path: Path) -> Path:
    """Of a notebook."""
    return FOLDER / f"{path.stem}.md"


def with_row(name: str, source: str) -> str:
    """The first cell of the notebook, with its row of permissions as it should be; what stands behind it in the row is kept."""
    return ROW.sub(lambda _: f"| Permissions | {row(name)}", source)


def row(name: str) -> str:
    """The actions, those that change something first."""
    statements = [one for document in policies.policy(EXAMPLE, [name]) for one in document["Statement"]]
    wanted = sorted({action for one in statements for action in one["Action"]})
    reads = [one for one in wanted if policies.recorded()["actions"][one]["access"] in policies.READING]
    kinds = {"to change": [one for one in wanted if one not in reads], "to look": reads}
    lists = [f"{kind} {', '.join(f'`{one}`' for one in found)}" for kind, found in kinds.items() if found]
    where = f"[docs/iam/{name}.md](../docs/iam/{name}.md), and as a policy by `cruddur-ops iam policy {name[:2]}`"
    return f"{'; '.join(lists)}; on which resources and if what holds: {where}"


def text(name: str) -> str:
    """The page."""
    return "\n".join(_lines(name))


def _lines(name: str) -> Iterator[str]:
    yield f"# What {name} may do"
    yield ""
    yield "Made from what a rehearsal called, by `python -m tests.iam.record`. As a policy for a target of yours:"
    yield f"`cruddur-ops iam policy {name[:2]} --target prod`. Here it is of an instance `cruddur-db-instance`;"
    yield "ARNs are without region and account."
    yield ""
    yield "| | Actions | on | if |"
    yield "|---|---|---|---|"
    for document in policies.policy(EXAMPLE, [name]):
        for one in document["Statement"]:
            what = "changes" if one["Sid"].startswith("Write") else "reads"
            on = ", ".join(f"`{re.sub(r':(ca-central-1|):123456789012:', ':', each)}`" for each in one["Resource"])
            yield f"| {what} | {', '.join(f'`{each}`' for each in one['Action'])} | {on} | {_condition(one)} |"
    yield ""


def _condition(statement: dict[str, Any]) -> str:
    """In words; of IAM's operators there are those that compare, and Null, which asks that there is no such tag."""
    pairs = [(*pair, operator) for operator, block in statement.get("Condition", {}).items() for pair in block.items()]
    return " and ".join(f"`{key}` {_is(value, operator)}" for key, value, operator in pairs)


def _is(value: str | list[str], operator: str) -> str:
    return "is not there" if operator == "Null" else f"is `{value if isinstance(value, str) else ' or '.join(value)}`"
