"""What drills and maintenance windows are made of. Pure."""
