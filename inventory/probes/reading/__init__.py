"""Readers of outputs that several probes or verdicts share. Text in, frozen dataclasses out; no probe lives here."""
