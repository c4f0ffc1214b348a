"""Expected failures. Each message is one sentence that ends with the remedy."""

import difflib
import re
from collections.abc import Iterable

DEFAULT_TARGET = "local"
# Those that take a target, and do not name it; a run that goes on, or that was approved, knows its own.
OTHERS = r"targets|sandbox|runs|evidence|fleet|db migration "
COMMAND = re.compile(rf"(`cruddur-ops (?!{OTHERS})(?![^`]*--(?:target|resume|approved))[^`]*?)((?: -- [^`]*)?`)")
NOTEBOOK = re.compile(r"\b\d\d_[a-z][a-z_]*\b(?! with target)")


class OpsError(Exception):
    """An expected failure: what is wrong, and the command or the notebook that mends it."""

    exit_code = 1
    uncertain = False  # whether AWS may have done all the same what was asked of it

    def _render_traceback_(self) -> list[str]:
        """Show the sentence alone in a notebook: a traceback adds nothing to an expected failure."""
        return [f"{type(self).__name__}: {self}"]


class WrongInput(OpsError):
    """A name, a value or a file that the caller gave cannot be used; nothing was touched."""

    exit_code = 2


class ConfirmationRequired(WrongInput):
    """A protected target changes only when its DB instance identifier is typed."""


class PlanMoved(OpsError):
    """Planning again came out differently from the plan that was shown or approved."""


class NotVerified(OpsError):
    """A step was applied, and what it was to change still differs."""


class NoCredentials(OpsError):
    """No AWS credentials were found, or AWS does not know them, or they have expired."""


class AccessDenied(OpsError):
    """AWS knows the caller, but its policies do not allow this call."""


class AwsUnreachable(OpsError):
    """No answer came from the AWS endpoint."""


class SandboxNotUp(OpsError):
    """The target is the sandbox, and none is running."""


class NotOffered(OpsError):
    """RDS does not offer this version, class or storage in this region."""


class InstanceNotReady(OpsError):
    """The DB instance is missing, or in a state in which the step cannot be done."""


class NotFound(OpsError):
    """What was named, or is needed, does not exist: a security group, a user pool, a log, a program."""


class InUse(OpsError):
    """Somebody is connected to what is to be stopped, dropped or ended."""


class RunInProgress(OpsError):
    """Another run holds this target."""


class RunFailed(OpsError):
    """A notebook of the run failed."""


class RunInterrupted(OpsError):
    """A signal ended the run."""

    exit_code = 130  # 128 + SIGINT, as shells report it


def nearest(wrong: str, offered: Iterable[str], otherwise: str) -> str:
    """The remedy for a mistyped name: the one that was meant, else something else."""
    near = difflib.get_close_matches(wrong, list(offered), n=1)
    return f'did you mean "{near[0]}"?' if near else otherwise


def aimed(text: str, target: str) -> str:
    """A sentence whose verbs and notebooks act on the target, where that is not the one that they act on by default."""
    if target == DEFAULT_TARGET:
        return text
    text = COMMAND.sub(rf"\1 --target {target}\2", text)
    return NOTEBOOK.sub(rf'\g<0> with target = "{target}"', text)
