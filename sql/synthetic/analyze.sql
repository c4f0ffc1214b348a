-- Tells the planner at once how large the tables have become (PostgreSQL 18, chapter 14.4.8).
ANALYZE users, activities;
