"""Figures that are kept in the evidence of a run, so that later ones can be held against them."""

from collections.abc import Mapping
from typing import Any

MIME = "application/vnd.cruddur-ops.figures+json"


class Figures(dict[str, Any]):
    """Figures by name, which a cell of a notebook shows for its reader, and for the runner that keeps them."""

    def __init__(self, kind: str, values: Mapping[str, Any], text: str = "") -> None:
        """As a mapping they are like any other.

        Args:
            kind: what they are, such as "rows".
            text: for the reader; empty for the mapping itself.
        """
        super().__init__(values)
        self._kind, self._text = kind, text

    def __repr__(self) -> str:
        return self._text or super().__repr__()

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        return {"text/plain": repr(self), MIME: {self._kind: dict(self)}}
