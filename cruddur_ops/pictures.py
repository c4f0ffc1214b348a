"""Pictures for a notebook's cell, drawn by matplotlib, each with a text that says what it shows, and is the same on every run.

They can be read in print, and by whoever does not tell colours apart: what differs in colour differs in its line, too.
"""

from __future__ import annotations

import io
from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe and Ito, "Color Universal Design" (2008)
BLUE, ORANGE, VERMILION = "#0072B2", "#E69F00", "#D55E00"
WIDTH, RESOLUTION = 7.5, 144  # inches, and dots in each: twice what a screen shows


@dataclass(frozen=True)
class Picture:
    """A picture, or the text alone where there is nothing to draw."""

    text: str
    figure: Figure | None = None

    def __repr__(self) -> str:
        """The text."""
        return self.text

    @property
    def encoded(self) -> str:
        """As PNG, in base64; empty where nothing was drawn."""
        file = io.BytesIO()
        if self.figure is not None:
            self.figure.savefig(file, format="png", dpi=RESOLUTION, bbox_inches="tight", facecolor="white")
        return b64encode(file.getvalue()).decode()

    def _repr_mimebundle_(self, **_: object) -> tuple[dict[str, str], dict[str, Any]]:
        """The picture, with the text in its place for whoever does not see it; nbconvert makes that its `alt`."""
        if self.figure is None:
            return {"text/plain": self.text}, {}
        shown = {"image/png": self.encoded, "text/plain": self.text}
        return shown, {"image/png": {"alt": self.text, "width": int(self.figure.get_figwidth() * RESOLUTION / 2)}}


def panels(*heights: float, width: float = WIDTH) -> tuple[Figure, list[Any]]:
    """A figure with axes below each other, of these heights in inches."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, sum(heights)), layout="constrained")
    axes = figure.subplots(len(heights), squeeze=False, gridspec_kw={"height_ratios": heights})[:, 0]
    for one in axes:
        one.spines[["top", "right"]].set_visible(False)
    return figure, list(axes)
