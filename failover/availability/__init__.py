"""The arithmetic of availability: spans, periods, corrections, budgets. Pure. docs/adr/0034."""
