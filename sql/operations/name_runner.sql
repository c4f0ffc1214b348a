-- Says who holds a lock for the length of a run, and lets the server notice within two minutes that it is gone.
SELECT
    set_config('application_name', %(holder)s, false) AS holder,
    set_config('tcp_keepalives_idle', '60', false) AS idle,
    set_config('tcp_keepalives_interval', '15', false) AS interval,
    set_config('tcp_keepalives_count', '4', false) AS count;
