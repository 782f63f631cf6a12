"""Switches and arrays: what they tell, read only (docs/adr/0026)."""
