"""Fixtures that the inventory's tests share."""

from tests.fixtures_engine import engine_identity, scripted

__all__ = ["engine_identity", "scripted"]
