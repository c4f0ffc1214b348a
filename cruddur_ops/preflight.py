"""Who acts, and where: what an engineer wants to see before anything else.

It is the first call to AWS, so that a missing sandbox, missing rights and a silent network show here; see `aws`.
"""

from dataclasses import dataclass

from cruddur_ops import aws
from cruddur_ops.target import Target


@dataclass(frozen=True)
class Caller:
    """Where a notebook acts, and as whom."""

    target: str  # the section of targets.toml
    where: str  # "the sandbox", "AWS" or "the server of the connection URL"
    protected: bool  # whether changes need the typed name of the DB instance
    region: str = ""  # empty without AWS, and so is the caller
    caller: str = ""  # the ARN that AWS knows the caller by
    account: str = ""  # that the caller is in, where the target names none: then it may only look

    def __repr__(self) -> str:
        """A line for each, in the order in which one reads them."""
        protection = "protected: changes need its typed name" if self.protected else "not protected"
        lines = [f"target  {self.target} ({protection})", f"where   {self.where}"]
        if self.region:
            lines += [f"region  {self.region}", f"caller  {self.caller}"]
        if self.account:
            missing = f'to change anything, add account_id = "{self.account}" to [{self.target}] of targets.toml'
            lines.append(f"account {self.account}, which the target does not name: {missing}")
        return "\n".join(lines)


def check(target: Target) -> Caller:
    """Find out who acts and where."""
    where = "the sandbox" if target.sandbox else "AWS"
    caller = aws.caller_identity(target)
    account = "" if target.sandbox or target.account_id else caller["Account"]
    return Caller(target.name, where, target.protected, target.region, caller["Arn"], account)


def check_database(target: Target) -> Caller:
    """The same for a notebook that works on the database alone: with a connection URL, AWS is left out."""
    if target.connection_url:
        return Caller(target.name, "the server of the connection URL", target.protected)
    return check(target)
