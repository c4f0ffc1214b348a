-- Of a row: it breaks a check.
NOT ({expression})
