"""Fixtures that the inventory's tests share."""

from tests.fixtures_engine import engine_identity, scripted
from tests.fixtures_sshd import sshd, user_key

__all__ = ["engine_identity", "scripted", "sshd", "user_key"]
