-- Of a row: what it refers to is not there.
({expression}) NOT IN (SELECT {referenced} FROM {parent})
