-- How long a standby server waits before it applies a commit.
ALTER SYSTEM SET recovery_min_apply_delay = {delay};
