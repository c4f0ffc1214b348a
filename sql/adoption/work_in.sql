-- Where names without a schema are looked for, until the end of the transaction.
SET LOCAL search_path = {schema};
