"""The lab's engine-backup: the program, its PostgreSQL, its faults."""
