"""A jam as a picture: who waits for whose lock. Whoever waits for nobody is where it begins, on the left."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cruddur_ops import pictures
from cruddur_ops.pictures import BLUE, VERMILION, Picture

if TYPE_CHECKING:
    from cruddur_ops.database.sessions import Session, Sessions

MOST = 12  # sessions in a column: more cannot be read
COLUMN, ROW = 2.0, 0.85  # inches


def picture(found: Sessions) -> Picture:
    """The sessions that wait or are waited for, those who wait to the right of whom they wait for."""
    if not found.blocks:
        return Picture("nobody waits for another's lock")
    by_pid = {one.pid: one for one in found.all}
    places = placed(by_pid)
    left = sum(len(column) - MOST for column in places if len(column) > MOST)
    rows = max(min(len(column), MOST) for column in places)
    figure, [axes] = pictures.panels(ROW * rows + 0.5, width=max(pictures.WIDTH, COLUMN * len(places)))
    boxes = {
        pid: _box(axes, by_pid[pid], number, (min(len(column), MOST) - 1) / 2 - row)
        for number, column in enumerate(places)
        for row, pid in enumerate(column[:MOST])
    }
    for pid, box in boxes.items():
        for holder in by_pid[pid].blocked_by:
            if holder in boxes:
                ends = {"xy": (1, 0.5), "xycoords": boxes[holder], "xytext": (0, 0.5), "textcoords": box}
                axes.annotate("", **ends, arrowprops={"arrowstyle": "-|>", "color": "black", "shrinkA": 8, "shrinkB": 8})
    axes.set(xlim=(-0.5, len(places) - 0.5), ylim=(-rows / 2 - 0.1, rows / 2 + 0.1))
    axes.set_title(
        "Who waits for whom: each arrow leads to a session that is in the way" + (f" ({left} more wait)" if left else ""),
        loc="left",
        fontsize=10,
    )
    axes.set_axis_off()
    return Picture("; ".join(found.blocks), figure)


def _box(axes: Any, one: Session, column: float, row: float) -> Any:
    """Who it is and what it does, in three lines; the beginning of the jam stands out, by its colour and by its line."""
    colour, line, weight = (VERMILION, "-", "bold") if column == 0 else (BLUE, "--", "normal")
    box = {"boxstyle": "round,pad=0.5", "facecolor": "white", "edgecolor": colour, "linestyle": line, "linewidth": 2}
    said = f"{one.application or one.user}\n{one.pid}: {one.state}\n{one.wait_event or one.statement}"
    return axes.text(column, row, said, ha="center", va="center", bbox=box, fontsize=9, weight=weight)


def placed(by_pid: Mapping[int, Session]) -> list[list[int]]:
    """The pids of those in the jam, by how many stand between them and its beginning; two that wait for each other come last."""
    holders = {pid: [each for each in one.blocked_by if each in by_pid] for pid, one in by_pid.items()}
    left = {pid for pid, those in holders.items() if those} | {each for those in holders.values() for each in those}
    columns = list[list[int]]()
    while left:
        free = [pid for pid in sorted(left) if not left.intersection(holders[pid])] or sorted(left)
        columns.append(free)
        left -= set(free)
    return columns
