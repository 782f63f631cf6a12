"""The live channel over a real LISTEN: events, beats, an end, and the database coming back."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess

import psycopg
import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.test import RequestFactory

from portal import live, settings
from portal.asgi import application

pytestmark = pytest.mark.django_db(transaction=True)


def send(statement: str, *values: str) -> None:
    with psycopg.connect(**live._parameters(), autocommit=True) as link:
        link.execute(statement, values)


def notify(topic: str) -> None:
    send("select pg_notify('holdfast', %s)", topic)


async def take(stream, number: int, patience: float = 5.0) -> list[str]:
    found = []
    async with asyncio.timeout(patience):
        while len(found) < number:
            found.append((await anext(stream)).decode())
    return found


@contextlib.asynccontextmanager
async def listening(fan: live.Fan):
    stream = live.stream(fan)
    try:
        yield stream
    finally:
        await stream.aclose()


async def settled(stream) -> None:
    """Until the LISTEN stands: a first event has come through. A cancelled read would end the stream, so none is."""
    waiting = asyncio.ensure_future(anext(stream))
    for _ in range(50):
        await asyncio.to_thread(notify, "probe")
        done, _ = await asyncio.wait({waiting}, timeout=0.1)
        if done and b"event: probe" in waiting.result():
            return
        if done:
            waiting = asyncio.ensure_future(anext(stream))
    raise AssertionError("no event came through")


def test_an_event_reaches_every_stream():
    async def scene() -> None:
        fan = live.Fan()
        async with listening(fan) as one, listening(fan) as two:
            assert (await take(one, 1))[0].startswith("retry: 2000\n\nevent: hello\n")
            await take(two, 1)
            await settled(one)
            await asyncio.to_thread(notify, "run:7")
            for stream in (one, two):
                seen = await take(stream, 1)
                while "event: run" not in seen[-1]:
                    seen += await take(stream, 1)
                assert "event: run\ndata: 7\n\n" in seen[-1]
                assert seen[-1].startswith("id: ")
        assert fan._task is None

    asyncio.run(scene())


def test_a_quiet_stream_beats_and_ends(monkeypatch):
    monkeypatch.setattr(live, "BEAT", 0.05)
    monkeypatch.setattr(live, "LIFETIME", 0.2)

    async def scene() -> list[str]:
        return [part.decode() async for part in live.stream(live.Fan())]

    parts = asyncio.run(scene())
    assert "event: hello" in parts[0]
    assert set(parts[1:]) == {"event: beat\ndata: \n\n"}
    assert 2 <= len(parts) <= 6


def test_a_beat_says_that_no_change_can_be_heard_of(monkeypatch, tmp_path):
    monkeypatch.setattr(live, "BEAT", 0.05)
    monkeypatch.setattr(live, "LIFETIME", 0.3)
    monkeypatch.setattr(live, "_parameters", lambda: {"host": str(tmp_path)})  # nobody listens there

    async def scene() -> list[str]:
        return [part.decode() async for part in live.stream(live.Fan())]

    parts = asyncio.run(scene())
    assert "event: lost" in "".join(parts[:2])
    assert parts[-1] == "event: beat\ndata: deaf\n\n"


def test_a_quiet_listen_proves_itself_and_misses_nothing(monkeypatch):
    monkeypatch.setattr(live, "PROOF", 0.02)

    async def scene() -> None:
        async with listening(live.Fan()) as stream:
            await take(stream, 1)
            await settled(stream)
            await asyncio.sleep(0.2)
            for number in range(20):
                await asyncio.to_thread(notify, f"run:{number}")
            seen: list[str] = []
            while not seen or "data: 19\n" not in seen[-1]:
                seen += await take(stream, 1)
            runs = [one.split("data: ")[1].strip() for one in seen if "event: run" in one]
            assert runs == [str(number) for number in range(20)]

    asyncio.run(scene())


def test_a_lost_database_is_said_and_a_found_one_too(monkeypatch):
    monkeypatch.setattr(live, "REST", 0.05)

    async def scene() -> None:
        async with listening(live.Fan()) as stream:
            await take(stream, 1)
            await settled(stream)
            words = "select pg_terminate_backend(pid) from pg_stat_activity where query = 'listen holdfast'"
            await asyncio.to_thread(send, words)
            seen = await take(stream, 2)
            while "event: hello\ndata: again" not in seen[-1]:
                seen += await take(stream, 1)
            assert any("event: lost" in one for one in seen)
            await asyncio.to_thread(notify, "looks")
            assert "event: looks" in (await take(stream, 1))[0]

    asyncio.run(scene())


def test_a_connection_that_died_in_silence_is_given_up():
    made = settings.database("postgresql://portal@db.bank.example/holdfast?sslmode=verify-full")["OPTIONS"]
    assert made["sslmode"] == "verify-full"
    with psycopg.connect(**live._parameters()) as link:
        known = link.info.get_parameters()
    for name, value in settings.DATABASE_KEEPALIVE.items():
        assert made[name] == int(known[name]) == value


def test_a_slow_client_holds_nobody_up():
    async def scene() -> None:
        fan = live.Fan()
        queue = fan.join()
        for number in range(live.ROOM + 10):
            fan.tell("looks", str(number))
        assert queue.qsize() == live.ROOM
        fan.leave(queue)

    asyncio.run(scene())


def test_a_stranger_gets_no_stream():
    request = RequestFactory().get("/live/")
    request.session = SessionStore()

    async def scene():
        return await live.live(request)

    assert asyncio.run(scene()).status_code == 401


def test_the_live_process_serves_nothing_else():
    async def ask(path: str) -> int:
        sent = []

        async def send_(message) -> None:
            sent.append(message)

        asked = [{"type": "http.request", "body": b"", "more_body": False}]

        async def receive():
            if not asked:
                await asyncio.sleep(60)  # nobody hangs up
            return asked.pop()

        scope = {
            "type": "http",
            "path": path,
            "method": "GET",
            "headers": [(b"host", b"testserver")],
            "query_string": b"",
            "scheme": "http",
        }
        await application(scope, receive, send_)
        return sent[0]["status"]

    for path in ("/", "/hosts/", "/live", "/live/x", "/admin/"):
        assert asyncio.run(ask(path)) == 404, path
    assert asyncio.run(ask("/live/")) == 401


def test_the_pages_process_has_no_stream(client):
    assert client.get("/live/").status_code == 404


def test_the_demos_proxy_configuration_is_valid(tmp_path):
    written = subprocess.run(
        ["sh", "deploy/nginx_demo.sh", str(tmp_path), "8123"], capture_output=True, text=True, check=True
    )
    path = tmp_path / "nginx.conf"
    path.write_text(written.stdout)
    assert "listen 127.0.0.1:8123;" in written.stdout
    assert "proxy_buffering off;" in written.stdout
    checked = subprocess.run(["nginx", "-t", "-c", str(path)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
