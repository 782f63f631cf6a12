from tests.fixtures_backups import world  # noqa: F401
