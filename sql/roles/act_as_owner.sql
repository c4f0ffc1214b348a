-- Makes what the rest of the transaction creates the owner's.
SET LOCAL ROLE cruddur_owner;
