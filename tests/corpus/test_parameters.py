"""Parameters as papermill passes them on: what looks like a number has become one."""

from __future__ import annotations

import pytest

from cruddur_ops.activities import posting
from cruddur_ops.errors import WrongInput


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("andrew", 12345), "message is 12345, which is no text: with papermill give it as -r message 12345"),
        ((7, "hello"), "handle is 7, which is no text: with papermill give it as -r handle 7"),
        (("andrew", "hello", 7), "ttl is 7, which is no text"),
        (("andrew", True), "message is True, which is no text"),
    ],
)
def test_a_number_where_text_is_wanted(arguments: tuple[str, ...], sentence: str) -> None:
    """Told in a sentence, with the way to give it as text."""
    with pytest.raises(WrongInput, match=sentence):
        posting.check(*arguments)


def test_an_identifier_that_is_a_number() -> None:
    """The same for the activity that is replied to."""
    with pytest.raises(WrongInput, match="reply_to is 5, which is no text"):
        posting.activity_uuid(5)  # type: ignore[arg-type]
