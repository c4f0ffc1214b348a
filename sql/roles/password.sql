-- Sets a role's password, given as its SCRAM verifier.
ALTER ROLE {role} PASSWORD {verifier};
