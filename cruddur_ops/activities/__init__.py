"""What the application does with its database: post an activity or a reply, show the feeds."""

from cruddur_ops.activities.errors import (
    ActivityNotFound,
    CursorMalformed,
    LimitOutOfRange,
    MessageBlank,
    MessageExceedMaxChars,
    MessageUnstorable,
    TtlBlank,
    UserHandleBlank,
    UserNotFound,
)
from cruddur_ops.activities.feeds import Page, UserPage, find, home, replies, user
from cruddur_ops.activities.plans import explain_home
from cruddur_ops.activities.posting import MAX_CHARS, TTLS, check, post, reply
from cruddur_ops.activities.reports import by_author, over_time

__all__ = [
    "MAX_CHARS",
    "TTLS",
    "ActivityNotFound",
    "CursorMalformed",
    "LimitOutOfRange",
    "MessageBlank",
    "MessageExceedMaxChars",
    "MessageUnstorable",
    "Page",
    "TtlBlank",
    "UserHandleBlank",
    "UserNotFound",
    "UserPage",
    "by_author",
    "check",
    "explain_home",
    "find",
    "home",
    "over_time",
    "post",
    "replies",
    "reply",
    "user",
]
