"""Many targets at once: the same notebooks for each, in waves, on dask.distributed, which is imported where it is used."""

from cruddur_ops.fleet.doing import Fleet, Wish, begin, carry_out, resumed
from cruddur_ops.fleet.selection import select

__all__ = ["Fleet", "Wish", "begin", "carry_out", "resumed", "select"]
