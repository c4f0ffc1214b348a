"""What the application does with its database: post an activity or a reply, show the feeds.

What cannot be posted or shown is refused with WrongInput, before anything is written; its message begins with the name
that the application gave the error, such as "message_blank: ". The database's own errors are those of `database`.
"""

from cruddur_ops.activities.feeds import explain_home, find, home, replies, user
from cruddur_ops.activities.posting import check, post, reply
from cruddur_ops.activities.reports import by_author, over_time

__all__ = [
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
