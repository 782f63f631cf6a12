"""Template tags: how states, times and numbers are written."""
