"""Filter patterns of CloudWatch Logs over text: terms and phrases that are all there, one of which is there, or that are not.

Source: CloudWatch Logs User Guide, "Filter pattern syntax for metric filters, subscription filters, filter log events, and Live
Tail", matching terms in unstructured log events.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from moto.logs.exceptions import InvalidParameterException

from rds_sandbox.errors import NotInSandbox

TERM = re.compile(r'\s*([-?]?)(?:"((?:[^"\\]|\\.)*)"|([^\s"]+))')
STRUCTURED = re.compile(r"[{\[]")  # JSON, fields between spaces


@dataclass(frozen=True)
class Pattern:
    """What an event must contain: all of some terms, one of others where there are any, and none of the rest."""

    every: tuple[str, ...]
    some: tuple[str, ...]
    none: tuple[str, ...]

    def matches(self, message: str) -> bool:
        """Whether it does."""
        if self.some and not any(each in message for each in self.some):
            return False
        return all(each in message for each in self.every) and not any(each in message for each in self.none)


@cache
def parse(pattern: str | None) -> Pattern:
    """The pattern; everything matches an empty one.

    AWS documents that `?` is ignored beside other terms, but not as what its term counts then: that is not in the sandbox.
    """
    text = (pattern or "").strip()
    if STRUCTURED.match(text):
        raise NotInSandbox(f"the filter pattern {text}: JSON and fields are not in the sandbox")
    terms = list(_terms(text))
    every, some, none = (tuple(term for sign, term in terms if sign == wanted) for wanted in ("", "?", "-"))
    if some and (every or none):
        raise NotInSandbox(f"the filter pattern {text}: ? beside other terms is not in the sandbox")
    return Pattern(every, some, none)


def _terms(text: str) -> Iterator[tuple[str, str]]:
    """Each with its sign; what is not in quotes has letters, digits and underscores alone."""
    end = 0
    while end < len(text):
        found = TERM.match(text, end)
        if found and "%" in (found[3] or ""):
            raise NotInSandbox(f"the filter pattern {text}: regular expressions are not in the sandbox")
        wrong = re.search(r"\W", found[3] or "") if found else re.search(r"\S", text[end:])
        if found is None or wrong:
            raise InvalidParameterException(f"Invalid character(s) in term '{wrong[0] if wrong else text}'")
        yield found[1], found[3] or re.sub(r"\\(.)", r"\1", found[2])
        end = found.end()
