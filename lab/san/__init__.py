"""Switches and arrays of the estate: one model with the hosts' wiring, behind the vendors' own protocols."""
