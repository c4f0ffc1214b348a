"""The command `rds-sandbox`."""

import argparse
import json
import random
import sys

from rds_sandbox import control
from rds_sandbox.errors import SandboxError, WrongInput
from rds_sandbox.simulate import SIMULATIONS, usage


def main() -> None:
    """Run a verb; an expected failure is one sentence on standard error, and an exit code."""
    given = _parser().parse_args()
    try:
        print(_answer(given))
    except SandboxError as error:
        print(error, file=sys.stderr)
        raise SystemExit(error.exit_code) from error


def _answer(given: argparse.Namespace) -> str:
    """Do what was asked for, and say what there is to say."""
    match given.verb:
        case "up":
            return _start(given)
        case "down":
            return "the sandbox is down" if control.down(given.name) else "no sandbox was up"
        case "env":
            found = control.find(given.name)
            return json.dumps(found.environment, indent=2) if given.json else found.exports()
        case "status":
            return control.find(given.name).status()
    return control.find(given.name).simulate(given.what, **_values(given.values))


def _start(given: argparse.Namespace) -> str:
    if given.seed is not None and not given.realistic:
        raise WrongInput("only a realistic sandbox has a seed: add --realistic, or leave --seed out")
    drawn = random.randrange(1_000_000) if given.seed is None else given.seed
    seed = drawn if given.realistic else None
    started = control.up(given.name, seed, moto_api=given.moto_api, iam=given.iam)
    said = "the sandbox is up" if started else "the sandbox was up already"
    return said if seed is None else f"{said}, and {'' if started else 'now '}realistic: --seed {seed} repeats it"


def _values(words: list[str]) -> dict[str, str]:
    """The words `key=value`."""
    wrong = [word for word in words if "=" not in word]
    if wrong:
        raise WrongInput(f'"{wrong[0]}" is no key=value: `rds-sandbox simulate --help` lists the keys')
    return dict(word.split("=", 1) for word in words)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("rds-sandbox", description="RDS with a real PostgreSQL, on this machine.")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    name = argparse.ArgumentParser(add_help=False)
    name.add_argument("--name", help="a sandbox other than the default one")
    start = verbs.add_parser("up", parents=[name], help="start it in the background, and return when it is ready")
    start.add_argument("--realistic", action="store_true", help="let AWS answer late, be throttled, and lose some answers")
    start.add_argument("--seed", type=int, help="what goes wrong is drawn from it; a failure can be repeated")
    start.add_argument("--moto-api", action="store_true", help="open moto's own interface to every program of this machine")
    start.add_argument(
        "--iam", action="store_true", help="enforce the policies of users and roles; your own key may do everything"
    )
    verbs.add_parser("down", parents=[name], help="end it, and everything in it")
    environment = verbs.add_parser("env", parents=[name], help='print what any client needs: eval "$(rds-sandbox env)"')
    environment.add_argument("--json", action="store_true", help="print a JSON object instead of lines for a shell")
    verbs.add_parser("status", parents=[name], help="say what is in it")
    text = "\n".join(f"{usage(each)}\n    {simulation.purpose}" for each, simulation in SIMULATIONS.items())
    form, purpose = argparse.RawDescriptionHelpFormatter, "let something happen that on AWS has its own time"
    simulate = verbs.add_parser("simulate", parents=[name], help=purpose, description=text, formatter_class=form)
    simulate.add_argument("what", choices=SIMULATIONS, metavar="NAME")
    simulate.add_argument("values", nargs="*", metavar="KEY=VALUE")
    return parser
