-- Take a setting out of postgresql.auto.conf.
ALTER SYSTEM RESET {setting};
