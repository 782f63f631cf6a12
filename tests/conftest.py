"""What every test shares. Sockets are limited to loopback by pytest-socket's options in pyproject.toml."""

from __future__ import annotations

import gc
import signal

import pytest
from django.db import connection
from django.test.utils import override_settings
from hypothesis import HealthCheck, settings

from portal.celery import app
from tests.failover.matrix_report import pytest_sessionfinish, pytest_terminal_summary, pytest_testnodedown

__all__ = ["pytest_sessionfinish", "pytest_terminal_summary", "pytest_testnodedown"]


# a busy machine is no defect of a generator, nor of what it tries
settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared")
gc.disable()  # until all is collected: see pytest_collection_finish


def pytest_configure():
    """A TERM ends the tests as Ctrl-C does: fixtures end the processes that they started."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_collection_finish():
    """Thousands of collected tests stay to the end: the garbage collector need not walk them again and again, which
    took a sixth of the suite's time."""
    gc.collect()
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(items):
    """Files that wait for whole labs and stacks begin first: at the end they would keep one process busy and the others
    idle."""
    slow = ("e2e/", "_lab.py", "_faults.py", "_prober.py", "_works.py", "_boundaries.py", "_services.py")
    items.sort(key=lambda item: not any(word in item.nodeid for word in slow))


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """Tests that commit empty all tables afterwards, which the evidence refuses by itself (evidence 0002)."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        assert connection.settings_dict["NAME"].startswith("test_"), "only a test database is loosened"
        for table in ("evidence_record", "evidence_key", "evidence_signature"):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {table}_no_truncate")
    connection.ops.sql_flush = _emptied


def _emptied(style, tables, **how):
    """What empties the tables after a test that commits: only those that have rows, since a TRUNCATE of them all makes
    hundreds of files anew. Constraints and the evidence's triggers rest meanwhile."""
    asked = " union all ".join(f"select '{name}' where exists (select from \"{name}\")" for name in tables)
    with connection.cursor() as cursor:
        cursor.execute(asked)
        filled = [name for (name,) in cursor.fetchall()]
    return ["set local session_replication_role = replica", *(f'delete from "{name}"' for name in filled)]


@pytest.fixture(scope="session", autouse=True)
def no_broker():
    """Messages of these tests go nowhere: the Redis of a demo on this machine must not get them."""
    app.conf.update(broker_url="memory://", broker_transport_options={})


@pytest.fixture(scope="session", autouse=True)
def plain_settings():
    """Pages render without collectstatic; passwords are hashed fast; requests are counted in this process."""
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    files = {"BACKEND": "django.core.files.storage.FileSystemStorage"}
    fast = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    own = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}  # the Redis of this machine gets no counts
    caches = {"default": own, "shared": own}
    with override_settings(STORAGES={"default": files, "staticfiles": plain}, PASSWORD_HASHERS=fast, CACHES=caches):
        yield
