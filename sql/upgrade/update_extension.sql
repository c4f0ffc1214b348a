-- Brings an extension to the version that the server offers.
ALTER EXTENSION {name} UPDATE;
