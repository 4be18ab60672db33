"""Many trainings side by side: what is missing is trained, one table is written and read."""
