-- Takes a lock that is nobody else's business, and holds it to the end of the transaction; waits where another has it.
SELECT
    set_config('application_name', %(application)s, true) AS application,
    pg_advisory_xact_lock(8732003, %(number)s);
