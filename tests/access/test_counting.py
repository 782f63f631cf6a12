"""Requests are counted over all processes; without Redis each counts by itself, and nobody is shut out."""

from __future__ import annotations

import logging
import subprocess
import sys
import textwrap
import uuid

import pytest
import redis
from django.conf import settings
from django.test import override_settings

from portal.access import counting
from portal.access.throttling import count

OWN = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}


def shared(url: str) -> dict[str, object]:
    """The cache of the settings, at an address, with keys of this test alone."""
    options = {"socket_connect_timeout": 0.5, "socket_timeout": 0.5}
    backend = "django.core.cache.backends.redis.RedisCache"
    return {"BACKEND": backend, "LOCATION": url, "KEY_PREFIX": uuid.uuid4().hex, "OPTIONS": options}


@pytest.fixture
def forgotten(monkeypatch):
    """No failure of Redis is remembered."""
    monkeypatch.setattr(counting, "_redis", counting._Redis())


@pytest.fixture
def server():
    """The Redis of the suite."""
    url = settings.CELERY_BROKER_URL.replace("redis+socket://", "unix://").replace("virtual_host=", "db=")
    client = redis.Redis.from_url(url, socket_connect_timeout=1, socket_timeout=1)
    try:
        client.ping()
    except redis.RedisError:
        pytest.skip("no Redis answers here")
    yield url
    client.close()


OTHER = """
    import django, sys
    from django.conf import settings
    backend = "django.core.cache.backends.redis.RedisCache"
    cache = {"BACKEND": backend, "LOCATION": sys.argv[1], "KEY_PREFIX": sys.argv[2]}
    own = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    settings.configure(CACHES={"default": own, "shared": cache})
    from portal.access import counting
    sys.stdout.write(str(counting.count(sys.argv[3], 60)))
"""


def test_another_process_counts_on(server, forgotten):
    cache, key = shared(server), "api:read:person:1:1"
    with override_settings(CACHES={"default": OWN, "shared": cache}):
        assert [counting.count(key, 60) for _ in range(2)] == [1, 2]
        code = [sys.executable, "-c", textwrap.dedent(OTHER), server, str(cache["KEY_PREFIX"]), key]
        told = subprocess.run(code, capture_output=True, text=True, check=True, timeout=60)
        assert told.stdout == "3"
        assert counting.count(key, 60) == 4
        assert [counting.first("x", 60), counting.first("x", 60)] == [True, False]


def test_the_limit_is_the_persons_whichever_process_answers(server, forgotten):
    with override_settings(CACHES={"default": OWN, "shared": shared(server)}):
        assert [count("write", "person:1", 2) for _ in range(3)] == [True, True, False]
        assert count("write", "person:2", 2)


def test_without_redis_each_process_counts_by_itself_and_asks_seldom(tmp_path, forgotten, monkeypatch, caplog):
    clock = [100.0]
    monkeypatch.setattr(counting.time, "monotonic", lambda: clock[0])
    nobody = shared(f"unix://{tmp_path}/none.sock")
    key = uuid.uuid4().hex
    with override_settings(CACHES={"default": OWN, "shared": nobody}), caplog.at_level(logging.WARNING):
        assert [counting.count(key, 60) for _ in range(3)] == [1, 2, 3]
        assert caplog.text.count("Redis does not answer") == 1
        clock[0] += counting.AWAY
        assert counting.count(key, 60) == 4
        assert caplog.text.count("Redis does not answer") == 1, "the same again is no news"
    with override_settings(CACHES={"default": OWN, "shared": OWN}):
        clock[0] += counting.AWAY
        assert counting.count(uuid.uuid4().hex, 60) == 1
        assert not counting._redis.away
