"""Alerts: what is wrong now, who is told of it, who has taken it on (docs/adr/0035)."""
