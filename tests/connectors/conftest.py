"""Fixtures that the connectors' tests share."""

from tests.fixtures_sshd import pool, sshd, user_key

__all__ = ["pool", "sshd", "user_key"]
