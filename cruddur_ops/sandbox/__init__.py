"""A fake AWS on loopback with a real Postgres behind every DB instance."""
