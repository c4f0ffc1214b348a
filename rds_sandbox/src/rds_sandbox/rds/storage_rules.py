"""What RDS makes and refuses of a DB instance's storage: type, size, autoscaling, IOPS and throughput; pure functions.

Sources: RDS API Reference (CreateDBInstance: AllocatedStorage, StorageType, Iops, StorageThroughput) and
RDS User Guide, "Amazon RDS DB instance storage". All but the type are `InvalidParameterCombination`.
"""

from collections.abc import Mapping
from typing import Any

from moto.rds.exceptions import InvalidParameterCombination, RDSClientError

from rds_sandbox.rds.facts import Storage, storage_types

Parameters = Mapping[str, Any]

_ASKED = {"AllocatedStorage", "StorageType", "Iops", "StorageThroughput", "MaxAllocatedStorage"}


def default_type(iops: int | None) -> str:
    """The type of a new DB instance for which none is asked (CreateDBInstance, StorageType)."""
    return "io1" if iops else "gp3"


def baseline(name: str, size: int) -> tuple[int | None, int | None]:
    """The IOPS and MiB/s that storage of this type and size in GiB has unasked; None where RDS tells of none.

    Source: RDS User Guide, "gp3 storage (recommended)": a large volume is striped, and has more.
    """
    storage = _type(name)
    if not storage.striped_from or size < storage.striped_from:
        return storage.baseline
    return storage.iops and storage.iops[0], storage.throughput and storage.throughput[0]


def provisioned(parameters: Parameters, current: Parameters) -> dict[str, int | None]:
    """Iops and StorageThroughput after a change, or of a copy: as asked for, as provisioned before, or the new baseline."""
    before = current["StorageType"], current["AllocatedStorage"]
    name, size = parameters.get("StorageType") or before[0], parameters.get("AllocatedStorage") or before[1]
    stays = name == before[0] and size >= _type(name).striped_from
    found = {}
    for key, usual, then in zip(("Iops", "StorageThroughput"), baseline(*before), baseline(name, size), strict=True):
        kept = current[key] if stays and current[key] != usual else then
        found[key] = parameters.get(key) or kept
    return found


def meant(parameters: Parameters, current: Parameters, *, copied: bool) -> Parameters:
    """The parameters, without IOPS of 0 where these mean storage that has none provisioned.

    Source: API Reference, Iops of ModifyDBInstance ("from Provisioned IOPS to standard storage") and of
    RestoreDBInstanceFromDBSnapshot ("converted to a non-PIOPS instance"); of which type that is then, it does not say.
    """
    name = parameters.get("StorageType") or current["StorageType"]
    if copied and "StorageType" not in parameters and _type(name).iops_per_gib:
        name = default_type(None)
    if parameters.get("Iops") != 0 or _type(name).iops_per_gib:
        return parameters
    return {**{key: value for key, value in parameters.items() if key != "Iops"}, "StorageType": name}


def check_storage(parameters: Parameters) -> None:
    """Check the storage of a new DB instance."""
    name = parameters.get("StorageType") or default_type(parameters.get("Iops"))
    _check(_type(name), parameters.get("AllocatedStorage") or 0, parameters)


def check_storage_change(parameters: Parameters, current: Parameters) -> None:
    """Check a change of storage against the instance as DescribeDBInstances shows it."""
    if not _ASKED & parameters.keys():
        return
    storage = _type(parameters.get("StorageType") or current["StorageType"])
    before = current["AllocatedStorage"]
    size = parameters.get("AllocatedStorage") or before
    if size < before:
        message = f"Invalid storage size for engine name postgres and storage type {storage.name}: {size}"
        raise InvalidParameterCombination(f"{message}, less than the {before} that it has")
    wanted = _kept(storage, size, parameters, current) | dict(parameters)
    if wanted["MaxAllocatedStorage"] == size:  # says: no autoscaling (RDS User Guide)
        wanted["MaxAllocatedStorage"] = None
    _check(storage, size, wanted)


def check_copied_storage(parameters: Parameters, source: Parameters) -> None:
    """Check the storage of a copy, which may be of another type, and grows no further unless that is asked for."""
    if _ASKED & parameters.keys():
        storage = _type(parameters.get("StorageType") or source["StorageType"])
        kept = {"Iops": source["Iops"]} if storage.iops_per_gib and storage.name == source["StorageType"] else {}
        check_storage({**kept, "AllocatedStorage": source["AllocatedStorage"], "StorageType": storage.name, **parameters})


def _kept(storage: Storage, size: int, parameters: Parameters, current: Parameters) -> dict[str, Any]:
    """The present settings that a change of storage leaves as they are, and that must fit the new ones.

    Size and IOPS change together (ModifyDBInstance: AllocatedStorage, Iops), and come with gp3 in the place of io1 or io2
    (terraform-provider-aws #28589).
    """
    kept, same = {"MaxAllocatedStorage": current.get("MaxAllocatedStorage")}, storage.name == current["StorageType"]
    if not (_provisions(_type(current["StorageType"]), current["AllocatedStorage"]) and _provisions(storage, size)):
        return kept
    given = len({"AllocatedStorage", "Iops"} & parameters.keys())
    if (same and given == 1) or (not same and storage.striped_from and given < 2):
        raise InvalidParameterCombination(
            "You must specify both the storage size and iops when modifying the storage size or iops "
            "on a DB instance that has iops."
        )
    return {**kept, "Iops": current.get("Iops")} if same else kept


def _provisions(storage: Storage, size: int) -> bool:
    return bool(storage.iops) and size >= storage.striped_from


def _type(name: str) -> Storage:
    if name not in storage_types():
        raise RDSClientError("StorageTypeNotSupported", f"Invalid storage type: {name}")
    return storage_types()[name]


def _check(storage: Storage, size: int, parameters: Parameters) -> None:
    low, high = storage.size
    if not low <= size <= high:
        message = f"Invalid storage size for engine name postgres and storage type {storage.name}: {size}"
        raise InvalidParameterCombination(message)
    limit = parameters.get("MaxAllocatedStorage")
    if limit is not None and not (size * 11 <= limit * 10 and limit <= high):
        raise InvalidParameterCombination("The maximum allocated storage must be increased by at least 10 percent.")
    _check_performance(storage, size, parameters.get("Iops"), parameters.get("StorageThroughput"))


def _check_performance(storage: Storage, size: int, iops: int | None, throughput: int | None) -> None:
    if size < storage.striped_from and not iops is throughput is None:
        raise InvalidParameterCombination(
            "You can't specify IOPS or storage throughput for engine postgres "
            f"and a storage size less than {storage.striped_from}."
        )
    if storage.iops_per_gib and iops is None:
        raise InvalidParameterCombination(f"The storage type {storage.name} requires iops to be specified.")
    _check_bounds(storage, "iops", iops, storage.iops)
    _check_bounds(storage, "storage throughput", throughput, storage.throughput)
    _check_ratios(storage, size, iops, throughput)


def _check_bounds(storage: Storage, what: str, value: int | None, bounds: tuple[int, int] | None) -> None:
    if value is not None and not (bounds and bounds[0] <= value <= bounds[1]):
        raise InvalidParameterCombination(f"Invalid {what} for engine name postgres and storage type {storage.name}: {value}")


def _check_ratios(storage: Storage, size: int, iops: int | None, throughput: int | None) -> None:
    """Check IOPS to GiB, and MiB/s to IOPS: at most 1 to 4 (EBS User Guide, gp3)."""
    low, high = storage.iops_per_gib or (0, float("inf"))
    if iops and not low <= iops / size <= high:
        message = "Invalid iops to max storage (GB) ratio for engine name postgres and storage type"
        raise InvalidParameterCombination(f"{message} {storage.name}: {iops / size:.4f}")
    provisioned = iops or (storage.iops or (0,))[0]
    if throughput and throughput * 4 > provisioned:
        message = f"Invalid storage throughput to iops ratio for storage type {storage.name}"
        raise InvalidParameterCombination(f"{message}: {throughput / provisioned:.4f}")
