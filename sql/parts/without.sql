-- A value, and nothing for what stands for nothing.
nullif({value}, {placeholder})
