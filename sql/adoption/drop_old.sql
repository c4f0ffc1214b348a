-- Takes the tables away whose rows were brought over, and nothing that depends on them.
DROP TABLE {tables};
