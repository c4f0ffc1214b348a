-- A transaction that writes nothing but its commit: point-in-time recovery stops at commits alone.
SELECT pg_current_xact_id();
