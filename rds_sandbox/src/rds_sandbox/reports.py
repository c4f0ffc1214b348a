"""What the sandbox says of itself: what is in it, and the codes that Cognito would have sent."""

import sys
from collections.abc import Iterator
from typing import Any

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.rds.models import rds_backends

from rds_sandbox.host import Host
from rds_sandbox.rds.instances import SandboxDBInstance


def status(host: Host) -> dict[str, Any]:
    """What is in the sandbox: the operator's address, every DB instance and every function of every region."""
    return {
        "OperatorAddress": host.callers.operator,
        "PostgreSQL": str(host.programs.folder),
        "Functions": list(_functions()),
        "DBInstances": [
            {
                "Region": region,
                "DBInstanceIdentifier": instance.db_instance_identifier,
                "DBInstanceStatus": instance.status,
                "EngineVersion": instance.engine_version,
                "ServerMajorVersion": instance.machine.server.programs.major() if instance.machine.server else None,
                "Endpoint": instance.endpoint,
                "ReducedParameters": dict(instance.reduced),
                "Logs": str(instance.machine.server.logs) if instance.machine.server else None,
            }
            for region, backend in rds_backends[DEFAULT_ACCOUNT_ID].items()
            for instance in backend.databases.values()
            if isinstance(instance, SandboxDBInstance)
        ],
    }


def _functions() -> Iterator[dict[str, Any]]:
    """None before the service is used: its backend is not imported for this."""
    if "rds_sandbox.lambdas" not in sys.modules:
        return
    from moto.awslambda.models import lambda_backends

    from rds_sandbox.lambdas.fleets import fleets

    for region, backend in lambda_backends[DEFAULT_ACCOUNT_ID].items():
        functions: Any = backend.list_functions()
        for function in functions:
            yield {
                "Region": region,
                "FunctionName": function.function_name,
                "Runtime": function.run_time,
                "ExecutionEnvironments": fleets().count(function.state_id),
            }


def confirmation_codes(user_pool_id: str | None) -> list[dict[str, str]]:
    """The codes that Cognito would have sent, of one user pool or of all."""
    if "rds_sandbox.cognito" not in sys.modules:
        return []
    from rds_sandbox.cognito.pools import user_pools

    return [code for pool in user_pools() if user_pool_id in (None, pool.id) for code in pool.waiting_codes()]
