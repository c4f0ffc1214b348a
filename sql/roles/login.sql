-- Lets a role log in.
ALTER ROLE {role} LOGIN;
