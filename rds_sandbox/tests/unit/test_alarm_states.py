"""Which values an alarm of CloudWatch counts, as pure functions."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from moto.core.utils import utcnow

from rds_sandbox import alarms


@pytest.mark.parametrize(
    ("minutes", "treated", "state"),
    [(1, None, "ALARM"), (4, None, "ALARM"), (7, None, "INSUFFICIENT_DATA"), (7, "notBreaching", "OK"), (7, "ignore", "before")],
)
def test_only_values_of_the_evaluation_periods_count(minutes: int, treated: str | None, state: str) -> None:
    """CloudWatch User Guide, "Evaluating an alarm" and "Configuring how CloudWatch alarms treat missing data"."""
    dimensions = [SimpleNamespace(name="DBInstanceIdentifier", value="x")]
    alarm: Any = SimpleNamespace(
        namespace="AWS/RDS", metric_name="ReplicaLag", dimensions=dimensions, comparison_operator="GreaterThanThreshold",
        threshold=1.0, period=60, evaluation_periods=5, treat_missing_data=treated, state_value="before",
    )  # fmt: skip
    alarm.update_state = lambda reason, data, found: setattr(alarm, "state_value", found)
    datum = SimpleNamespace(
        name="ReplicaLag", dimensions=dimensions, value=2.0, timestamp=utcnow().replace(second=0) - timedelta(minutes=minutes)
    )
    alarms._evaluate(SimpleNamespace(alarms={"x": alarm}, aws_metric_data=[datum]))
    assert state == alarm.state_value
