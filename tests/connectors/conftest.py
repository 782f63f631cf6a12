"""Fixtures that the connectors' tests share."""

from tests.fixtures_changes import change_lab, changes
from tests.fixtures_engine import engine_identity, scripted
from tests.fixtures_sshd import pool, sshd, user_key
from tests.fixtures_watcher import watcher

__all__ = ["change_lab", "changes", "engine_identity", "pool", "scripted", "sshd", "user_key", "watcher"]
