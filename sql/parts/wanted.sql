-- Of a row: its key is one of these, as JSON.
jsonb_build_array({columns})::text = ANY ({keys})
