-- Take the changes from a slot that is there, without a copy of what the tables hold already.
CREATE SUBSCRIPTION {name} CONNECTION {connection} PUBLICATION {name}
WITH (enabled = false, create_slot = false, copy_data = false, slot_name = {slot});
