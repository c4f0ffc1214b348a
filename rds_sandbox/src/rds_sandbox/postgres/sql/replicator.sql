-- Let read replicas log in.
ALTER ROLE {role} LOGIN PASSWORD {verifier};
