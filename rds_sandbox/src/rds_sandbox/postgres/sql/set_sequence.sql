-- A sequence goes on after this value.
SELECT setval(to_regclass(%(sequence)s), %(value)s);
