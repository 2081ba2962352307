"""What must survive a crash: one SQLite file, atomic files and locks. Must not know what the rows mean."""
