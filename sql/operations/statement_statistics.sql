-- Whether statements are counted: the library is loaded, its extension is there, this user may create it.
-- On RDS rds_superuser may, though neither the extension is trusted nor the user a superuser. The setting that
-- names the library is kept from whoever lacks pg_read_all_settings; the library's own settings are not.
SELECT
    current_setting('pg_stat_statements.max', true) IS NOT NULL AS loaded,
    EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_stat_statements') AS present,
    EXISTS (
        SELECT FROM pg_available_extension_versions AS available
        JOIN pg_roles AS own ON own.rolname = current_user
        WHERE available.name = 'pg_stat_statements'
            AND (
                own.rolsuper
                OR available.trusted AND has_database_privilege(current_database(), 'CREATE')
                OR EXISTS (SELECT FROM pg_roles WHERE rolname = 'rds_superuser' AND pg_has_role(oid, 'USAGE'))
            )
    ) AS creatable;
