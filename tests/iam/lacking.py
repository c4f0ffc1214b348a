"""A user who lacks what a notebook needs, is told so action by action, and is given what was named until the notebook passes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from unittest.mock import patch

import pytest

from cruddur_ops import ledger
from tests.iam.account import SENTENCE, Account, of
from tests.iam.rehearsal import Part
from tests.notebooks.in_process import Notebooks


@dataclass
class Lacking:
    """Somebody who has nothing of a notebook's policy but what was named.

    Attributes:
        account: the user's.
        notebook: whose policy.
        allowed: what was named so far.
        faults: what was done without a word, or named without a resource, or for nothing.
        begun: the ledger's mark before the cell that runs.
    """

    account: Account
    notebook: str
    allowed: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)
    begun: int = 0

    def passes(self, part: Part, shell: Notebooks, capsys: pytest.CaptureFixture[str]) -> None:
        """A part of the rehearsal, once all that it asks for was allowed."""
        self.account.allow(of(self.notebook, self.allowed))
        error, before = "", -1
        while before < len(self.allowed):  # from its beginning, where a cell that was run once more found its plan moved
            before, self.begun = len(self.allowed), ledger.mark()
            capsys.readouterr()
            with self.account.acting(), patch.object(shell, "again", self.again):
                error = part.run(shell)
            self.again(error, "".join(capsys.readouterr()))
        assert "" == error, (part, error)

    def again(self, error: str, said: str) -> bool:
        """Allow what a cell or a verb names, which is then run once more."""
        missing = {one for one in SENTENCE.findall(f"{error} {said}") if one[0] not in self.allowed}
        self.faults += self._faults(error, said, missing)
        self.begun = ledger.mark()
        if missing:
            self.allowed |= {action for action, _ in missing}
            self.account.allow(of(self.notebook, self.allowed))
        return bool(missing)

    def _faults(self, error: str, said: str, missing: set[tuple[str, str]]) -> Iterator[str]:
        made = ledger.since(self.begun).partition(": ")[2].split(", ") if error and missing else []
        yield from (f"{self.notebook} does not say that it changed {one}: {error}" for one in made if one not in f"{error}{said}")
        statements = [one for document in of(self.notebook) for one in document["Statement"]]
        for action, resource in missing:
            on = [one["Resource"] for one in statements if action in one["Action"]]
            if not on or not (resource or ["*"] in on):
                yield f"{self.notebook} names {action} on {resource or 'nothing'}, of {on}: {error}{said}"
