"""The services whose patches wait for their first request, so that a sandbox which never uses them starts sooner."""

from __future__ import annotations

from dataclasses import dataclass, field

from rds_sandbox.machine import Host


@dataclass
class Services:
    """What they need.

    Attributes:
        host: of the sandbox.
        url: of its AWS API, once it is known.
        prepared: those that are patched, under moto's names.
    """

    host: Host
    url: str = ""
    prepared: set[str] = field(default_factory=set)

    def prepare(self, name: str) -> None:
        """Patch a service, under moto's name, before moto makes anything of it."""
        if name in self.prepared:
            return
        self.prepared.add(name)
        if name == "cloudwatch":
            from rds_sandbox import metrics  # noqa: F401 - moto finds the metrics once they are imported
        if name == "logs":
            from rds_sandbox import cloudwatch_logs

            cloudwatch_logs.install()
        if name == "awslambda":
            from rds_sandbox import lambda_backend

            lambda_backend.install(self.host, self.url)
        if name == "cognitoidp":
            from rds_sandbox import cognito_backend

            self.prepare("awslambda")  # its triggers invoke functions
            cognito_backend.install()
