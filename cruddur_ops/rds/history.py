"""What CloudWatch has measured of an instance, along the time, with the limits that its alarms have by default."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from cruddur_ops import pictures
from cruddur_ops.pictures import BLUE, VERMILION, Picture
from cruddur_ops.rds import alarms, cloudwatch, instances
from cruddur_ops.rds.alarms import ABOVE, GIB, Watch
from cruddur_ops.rds.instances import Instance
from cruddur_ops.target import Target

Values = Sequence[tuple[datetime, float]]
# What is shown of each metric: its words, in which unit, and what makes that of CloudWatch's.
SHOWN = {
    "FreeStorageSpace": ("free storage", "GiB", 1 / GIB),
    "DatabaseConnections": ("connections", "", 1),
    "CPUCreditBalance": ("CPU credits", "", 1),
    "ReplicaLag": ("replica lag", "s", 1),
}
FEW = 40  # values whose points are drawn
LIMIT = {"linestyle": "--", "color": VERMILION, "linewidth": 1.5}


def history(target: Target, connection_limit: int, hours: int = 24) -> Picture:
    """Connections, free storage, CPU credits and replica lag, as far as CloudWatch has values, each at its worst in a minute.

    Args:
        target: whose instance; behind a connection URL there is none.
        connection_limit: how many connections the server allows.
        hours: how far back; of more than 15 days CloudWatch has no values of a minute.
    """
    if target.connection_url:
        return Picture("behind a connection URL there is no DB instance that CloudWatch measures")
    found = instances.require(target)
    watches = list(alarms.wanted(found, connection_limit))
    values = _values(target, watches, hours)
    known = [one for one in watches if values[one]]
    text = f"the last {f'{hours} hours' if hours > 1 else 'hour'}: " + "; ".join(_said(one, values[one]) for one in watches)
    if not known:
        return Picture(text)
    figure, axes = pictures.panels(*[1.9] * len(known))
    for watch, place in zip(known, axes, strict=True):
        _draw(place, watch, values[watch], _whole(found, watch, connection_limit))
    return Picture(text, figure)


def _values(target: Target, watches: Sequence[Watch], hours: int) -> Mapping[Watch, Values]:
    """Those of each metric, oldest first."""
    queries = [_query(f"m{number}", watch) for number, watch in enumerate(watches)]
    found: dict[str, list[tuple[datetime, float]]] = {one["Id"]: [] for one in queries}
    for item in cloudwatch.measured(target, datetime.now(UTC) - timedelta(hours=hours), queries):
        found[item["Id"]] += zip(item["Timestamps"], item["Values"], strict=True)
    return {watch: values[::-1] for watch, values in zip(watches, found.values(), strict=True)}


def _query(name: str, watch: Watch) -> dict[str, Any]:
    worst = "Maximum" if watch.comparison == ABOVE else "Minimum"
    return cloudwatch.query(name, cloudwatch.metric(watch.instance, watch.metric), worst)


def _said(watch: Watch, values: Values) -> str:
    """Such as "connections never above 80", which does not differ from run to run."""
    words = SHOWN[watch.metric][0]
    if not values:
        return f"no values of {words}"
    beyond = any(value > watch.threshold if watch.comparison == ABOVE else value < watch.threshold for _, value in values)
    return f"{words} {'at times' if beyond else 'never'} {watch.said}"


def _whole(found: Instance, watch: Watch, connection_limit: int) -> float | None:
    """What the metric cannot exceed; None where nothing says so."""
    return {"DatabaseConnections": connection_limit, "FreeStorageSpace": found.allocated_storage * GIB}.get(watch.metric)


def _draw(axes: Any, watch: Watch, values: Values, whole: float | None) -> None:
    """A line with its points, and the limits."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    words, unit, factor = SHOWN[watch.metric]
    marker = {"marker": "o", "markersize": 4} if len(values) < FEW else {}
    axes.plot([when for when, _ in values], [value * factor for _, value in values], color=BLUE, clip_on=False, **marker)
    axes.axhline(watch.threshold * factor, **LIMIT, label=f"alarm {watch.said}")
    if whole is not None:
        axes.axhline(whole * factor, color="black", linewidth=1.5, label=f"limit {whole * factor:g} {unit}")
    highest = max([watch.threshold, whole or 0, *(value for _, value in values)]) * factor
    axes.set(ylim=(0, 1.1 * highest), ylabel=f"{words}, {unit}".rstrip(", "))
    locator = AutoDateLocator(minticks=2, maxticks=8)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=UTC))  # type: ignore[no-untyped-call]
    if values[-1][0] - values[0][0] < timedelta(minutes=30):
        axes.set_xlim(values[-1][0] - timedelta(minutes=30), values[-1][0] + timedelta(minutes=2))
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    axes.set_title(watch.instance, loc="left", fontsize=10)
