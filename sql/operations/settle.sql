-- Set what connecting cannot set for this session: dates as they are read here, whatever PGDATESTYLE says, and, where the server can, that it ends a statement whose client has died within two seconds.
DO $$
BEGIN
  PERFORM set_config('DateStyle', 'ISO, MDY', false);
  BEGIN
    PERFORM set_config('client_connection_check_interval', '2000', false);
  EXCEPTION WHEN undefined_object OR invalid_parameter_value THEN
    NULL; -- before PostgreSQL 14, or a system that does not tell (chapter 19.3.2)
  END;
END
$$;
