-- Of a row: another one has the same.
({expression}) IN (SELECT {expression} FROM {converted} WHERE {where} GROUP BY {expression} HAVING count(*) > 1) AND {where}
