-- Creates a role that nobody logs in as.
CREATE ROLE {role} NOLOGIN;
