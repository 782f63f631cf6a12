from tests.fixtures_backups import folder, shelf, world  # noqa: F401
from tests.fixtures_watcher import watcher  # noqa: F401
