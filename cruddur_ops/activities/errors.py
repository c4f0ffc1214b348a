"""What cannot be posted or shown: each error has the name that the application gave it, first in its message."""

from __future__ import annotations

from cruddur_ops.errors import WrongInput


class MessageBlank(WrongInput):
    """message_blank: the message has nothing to read in it."""


class MessageExceedMaxChars(WrongInput):
    """message_exceed_max_chars: the message is longer than MAX_CHARS code points."""


class MessageUnstorable(WrongInput):
    """message_unstorable: PostgreSQL's text type cannot hold a character of it."""


class TtlBlank(WrongInput):
    """ttl_blank: the time to live is none of TTLS."""


class UserHandleBlank(WrongInput):
    """user_handle_blank: no user is named."""


class UserNotFound(WrongInput):
    """user_not_found: no user has this handle."""


class ActivityNotFound(WrongInput):
    """activity_not_found: no live activity has this identifier."""


class CursorMalformed(WrongInput):
    """cursor_malformed: it is not the next_cursor of any page."""


class LimitOutOfRange(WrongInput):
    """limit_out_of_range: a page cannot have as many activities."""
