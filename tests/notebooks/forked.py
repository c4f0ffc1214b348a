"""A plugin of pytest: nbval's kernels come from the fork server of a run, and need not load for seconds."""

from __future__ import annotations

import os
from typing import Any
from uuid import uuid4

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager
from nbval import kernel

from cruddur_ops.runbook import forkserver
from cruddur_ops.runbook.kernels import Manager, Provisioner


class Forked(KernelManager):
    """nbval's manager of a kernel, with ours in the place of the one that it names."""

    @property
    def kernel_spec(self) -> KernelSpec:
        """That of a run's kernels."""
        return Manager().kernel_spec

    def start_kernel(self, **options: Any) -> None:
        """Fork it."""
        forkserver.start()
        self.provisioner = Provisioner(kernel_id=uuid4().hex, kernel_spec=self.kernel_spec, parent=self)
        with open(os.devnull, "w") as output:  # noqa: PTH123  # Path has no devnull
            super().start_kernel(**{**options, "stdout": output})


kernel.KernelManager = Forked
