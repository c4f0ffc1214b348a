-- A role's password, given as its SCRAM verifier.
ALTER ROLE {master} PASSWORD {verifier};
