-- Who may subscribe to another server: before 16 superusers alone.
GRANT pg_create_subscription TO rds_superuser WITH ADMIN OPTION;
