"""The seed: what it creates, what it brings back, and what it leaves alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cruddur_ops import database
from cruddur_ops.change import Outcome
from cruddur_ops.errors import ConfirmationRequired
from cruddur_ops.target import Target
from tests.database.support import execute

SEEDED = 17
CONTENT = (
    "SELECT users.uuid, handle, display_name, email, activities.uuid, message, reply_to_activity_uuid"
    " FROM users LEFT JOIN activities ON user_uuid = users.uuid ORDER BY users.uuid, activities.uuid"
)


def test_plan_inserts_nothing(loaded: Target) -> None:
    """What the plan tries is rolled back."""
    assert SEEDED == len(database.plan_seed(loaded).mutating)
    assert {"activities": 0, "users": 0} == database.counts(loaded)


def test_it_is_the_same_everywhere(seeded: Target) -> None:
    """Same rows, same keys: a second database cannot be told from the first."""
    before = execute(seeded, CONTENT)
    execute(seeded, "TRUNCATE users, activities")

    assert Outcome(created=SEEDED) == database.plan_seed(seeded).apply()
    assert before == execute(seeded, CONTENT)


def test_what_was_changed_or_deleted_comes_back(seeded: Target) -> None:
    """Each row is counted as what became of it, and the content is the file's again."""
    before = execute(seeded, CONTENT)
    execute(seeded, "DELETE FROM activities WHERE message LIKE 'Cloud%'")
    execute(seeded, "UPDATE activities SET message = 'mine' WHERE message LIKE 'A republic%'")
    execute(seeded, "UPDATE users SET display_name = 'Another', handle = 'Londo' WHERE handle = 'londo'")

    assert Outcome(created=1, changed=2, unchanged=SEEDED - 3) == database.plan_seed(seeded).apply()
    assert before == execute(seeded, CONTENT)
    assert Outcome(unchanged=SEEDED) == database.plan_seed(seeded).apply()


def test_a_reply_finds_what_it_replied_to(seeded: Target) -> None:
    """A deleted activity comes back, and its replies are replies again."""
    before = execute(seeded, CONTENT)
    execute(seeded, "DELETE FROM activities WHERE message LIKE 'The first crud%'")

    assert Outcome(created=1, changed=1, unchanged=SEEDED - 2) == database.plan_seed(seeded).apply()
    assert before == execute(seeded, CONTENT)


def test_counters_and_times_are_the_applications(seeded: Target) -> None:
    """What likes and replies have come to, and when something was posted, stays."""
    execute(seeded, "UPDATE activities SET likes_count = 99, created_at = created_at - interval '1 hour'")
    before = execute(seeded, "TABLE activities ORDER BY uuid")

    assert Outcome(unchanged=SEEDED) == database.plan_seed(seeded).apply()
    assert before == execute(seeded, "TABLE activities ORDER BY uuid")


def test_whoever_signed_up_keeps_the_account(loaded: Target) -> None:
    """A person with a seed's handle, in whatever case, is left alone; the seed's activities are this person's."""
    columns = "INSERT INTO users (handle, display_name, email, cognito_user_id)"
    execute(loaded, f"{columns} VALUES ('Andrew', 'A person', 'person@example.com', 'sub-1')")

    assert Outcome(created=SEEDED - 1, unchanged=1) == database.plan_seed(loaded).apply()
    counted = "SELECT handle, display_name, count(*) FROM users JOIN activities ON user_uuid = users.uuid GROUP BY 1, 2"
    assert ("Andrew", "A person", 4) in execute(loaded, counted)


def test_whoever_has_an_email_of_the_seed_keeps_it(loaded: Target) -> None:
    """The user that would need it is left out, and the user's activities too."""
    execute(loaded, "INSERT INTO users (handle, display_name, email) VALUES ('somebody', 'Somebody', 'londo@example.com')")

    assert Outcome(created=SEEDED - 4, unchanged=4) == database.plan_seed(loaded).apply()
    assert [] == execute(loaded, "SELECT FROM users WHERE handle = 'londo'")


def test_a_refusal_leaves_nothing(loaded: Target) -> None:
    """On a protected target without its name."""
    with pytest.raises(ConfirmationRequired):
        database.plan_seed(replace(loaded, protected=True)).apply()
    assert {"activities": 0, "users": 0} == database.counts(loaded)
