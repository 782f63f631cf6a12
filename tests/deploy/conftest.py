"""Fixtures that the tests of deployment share."""

from tests.fixtures_sshd import sshd, user_key

__all__ = ["sshd", "user_key"]
