"""What AWS has answered within one look, so that nothing is asked twice: a plan is of one moment.

Nothing is kept from one look to the next, nor past a wait or a call that changes something.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

Answer = TypeVar("Answer")
_answers: ContextVar[dict[object, object] | None] = ContextVar("answers", default=None)


@contextmanager
def one() -> Iterator[None]:
    """A look; one within another is a part of it."""
    around = _answers.get()
    token = _answers.set({} if around is None else around)
    try:
        yield
    finally:
        _answers.reset(token)


def once(question: object, ask: Callable[[], Answer]) -> Answer:
    """The answer to a question, for which AWS is asked once in a look, and each time outside of any."""
    answers = _answers.get()
    if answers is None:
        return ask()
    if question not in answers:
        answers[question] = ask()
    return answers[question]  # type: ignore[return-value]  # that of the same question


def forget() -> None:
    """Ask anew from now on."""
    answers = _answers.get()
    if answers:
        answers.clear()
