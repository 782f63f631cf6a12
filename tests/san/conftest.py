"""Fixtures of the tests of switches and arrays."""

from tests.fixtures_engine import engine_identity
from tests.fixtures_san_devices import dorado, fos, gate

__all__ = ["dorado", "engine_identity", "fos", "gate"]
