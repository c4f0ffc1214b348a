-- Gives a role's rights to whoever runs this, and lets it SET ROLE.
-- From PostgreSQL 16 on, whoever creates a role may only administer it (PostgreSQL 18, chapter 21.2).
GRANT {role} TO CURRENT_USER;
