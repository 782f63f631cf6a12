"""The pages of drills and windows."""
