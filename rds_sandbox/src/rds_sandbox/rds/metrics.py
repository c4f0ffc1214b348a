"""CloudWatch's metrics of DB instances, measured on the servers when somebody asks, and kept for the next who does."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import psutil
from moto.cloudwatch.models import MetricDatum
from moto.core.common_models import CloudWatchMetricProvider
from moto.core.utils import utcnow
from moto.rds.models import rds_backends

from rds_sandbox.postgres import Server, replication
from rds_sandbox.rds.instances import FAILURES, SandboxDBInstance
from rds_sandbox.rds.snapshots import size_of

NAMESPACE = "AWS/RDS"
KEPT = timedelta(hours=3)  # CloudWatch keeps values of a minute for 15 days


class Metrics(CloudWatchMetricProvider):
    """What moto's CloudWatch asks for the metrics of a region; that the class exists is its registration."""

    @staticmethod
    def get_cloudwatch_metrics(account_id: str, region: str) -> list[MetricDatum]:
        """One value of each metric, of the minute before this one: CloudWatch has complete minutes only.

        Beside it those of earlier minutes, where somebody asked.
        """
        backend: Any = rds_backends[account_id][region]
        for instance in backend.instances():
            if instance.machine.serving:
                for datum in (_datum(instance, *measured) for measured in measure(instance)):
                    backend.measured[instance.db_instance_identifier, datum.name, datum.timestamp] = datum
        oldest = utcnow() - KEPT
        backend.measured = {key: datum for key, datum in backend.measured.items() if datum.timestamp > oldest}
        return sorted(backend.measured.values(), key=lambda datum: datum.timestamp)


def measure(instance: SandboxDBInstance) -> Iterator[tuple[str, float, str]]:
    """Name, value and unit of each metric; none where the server ends meanwhile.

    Source: RDS User Guide, "Amazon CloudWatch metrics for Amazon RDS".
    """
    server = instance.machine.running_server()
    with suppress(*FAILURES):
        yield "DatabaseConnections", float(server.ask("connections")[0][0]), "Count"
        yield "FreeStorageSpace", float((instance.allocated_storage << 30) - size_of(server.data)), "Bytes"
        yield "CPUUtilization", _cpu(server), "Percent"
        if instance.source:
            yield "ReplicaLag", replication.lag(server), "Seconds"


def _cpu(server: Server) -> float:
    """The share of one processor that the server has used since it was started."""
    if server.process is None:
        return 0.0
    process = psutil.Process(server.process.pid)
    with process.oneshot():
        times = process.cpu_times()
        age: float = max(1.0, utcnow().timestamp() - process.create_time())
    used: float = times.user + times.system + times.children_user + times.children_system
    return min(100.0, 100 * used / age)


def _datum(instance: SandboxDBInstance, name: str, value: float, unit: str) -> MetricDatum:
    dimensions: list[dict[str, Any]] = [{"Name": "DBInstanceIdentifier", "Value": instance.db_instance_identifier}]
    minute = (utcnow() - timedelta(minutes=1)).replace(second=0, microsecond=0)
    return MetricDatum(NAMESPACE, name, value, dimensions, minute, unit)
