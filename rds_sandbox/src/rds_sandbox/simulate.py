"""What can be made to happen in a sandbox, and on AWS happens in its own time."""

from collections.abc import Mapping
from dataclasses import dataclass

from rds_sandbox.errors import WrongInput

AT_ONCE = "rds-sandbox-at-once"  # in a client's user agent: it is answered at once even where AWS is realistic


@dataclass(frozen=True)
class Simulation:
    """One of them."""

    keys: tuple[str, ...]  # of the values that it takes, each a text
    purpose: str  # what happens
    said: str  # once it has happened
    optional: tuple[str, ...] = ()  # the keys that may be left out


SIMULATIONS = {
    "maintenance": Simulation(
        ("identifier",),
        "let the maintenance window of a DB instance come: what waits for it is done",
        "the maintenance window of {identifier} has begun",
    ),
    "announce": Simulation(
        ("identifier", "action"),
        "announce a maintenance action, such as system-update, for a DB instance",
        "{identifier} has a pending {action}: `rds-sandbox simulate maintenance identifier={identifier}` applies it",
    ),
    "lag": Simulation(
        ("identifier", "seconds"),
        "let a read replica apply each commit that late",
        "{identifier} applies each commit {seconds} s late now",
    ),
    "delay": Simulation(
        ("seconds",),
        "let each status of a DB instance last that long at least; at first it is RDS_SANDBOX_DELAY, else 0.3",
        "each status lasts {seconds} s at least now",
    ),
    "address": Simulation(
        ("address",),
        "give the operator another public address, as a VPN would: rules for the old one no longer let in",
        "the operator comes from {address} now",
    ),
    "certificate": Simulation(
        ("identifier", "days"),
        "give a DB instance a certificate that ends in so many days, or with -1 one that has ended",
        "the certificate of {identifier} ends in {days} days now",
    ),
    "stale": Simulation(
        ("identifier", "seconds"),
        "let the name of a DB instance lead to where it is not for so long, as stale DNS does after a rename; 0 ends it",
        "the name of {identifier} leads to another address for {seconds} s",
    ),
    "realistic": Simulation(
        ("seed",),
        "let AWS answer as on a real day: late, throttled, some answers lost; its times are multiplied by the factor, 0.05",
        "AWS answers late now, with seed {seed}",
        optional=("factor",),
    ),
    "crowd": Simulation(
        ("like",),
        "fill the account with other teams' resources, called like the names in like (a,b), and just as those in exactly; "
        "half of them with the tags (KEY=VALUE,…)",
        "other teams have what is called like {like} now",
        optional=("exactly", "tags", "seed"),
    ),
    "ideal": Simulation((), "let AWS answer at once again", "AWS answers at once now"),
}


def checked(name: str, values: Mapping[str, str]) -> Simulation:
    """The simulation, which takes exactly these values."""
    if name not in SIMULATIONS:
        raise WrongInput(f'nothing simulates "{name}": use one of {", ".join(SIMULATIONS)}')
    found = SIMULATIONS[name]
    if not set(found.keys) <= set(values) <= {*found.keys, *found.optional}:
        raise WrongInput(f"{name} takes {' and '.join(found.keys) or 'nothing'}: `rds-sandbox simulate {usage(name)}`")
    return found


def usage(name: str) -> str:
    """How it is written on the command line."""
    found = SIMULATIONS[name]
    keys = [f"{key}={key.upper()}" for key in found.keys] + [f"[{key}={key.upper()}]" for key in found.optional]
    return " ".join([name, *keys])
