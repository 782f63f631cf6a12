"""Whose turn it is, across processes, and what is remembered of refusals."""

from __future__ import annotations

import os
import threading
from typing import get_type_hints

import psycopg
import pytest
from django.db import connection

from portal.connectors.san.array_rest import ArrayRest
from portal.connectors.san.errors import Busy, Refused
from portal.connectors.san.fabric_cli import FabricCli
from portal.connectors.san.fabric_rest import FabricRest
from portal.connectors.san.gate import Gate, database_turn, process_turn
from portal.connectors.san.https import Endpoint, pinned_key
from portal.connectors.san.ports import ArrayReader, FabricReader
from tests.fixtures_san_devices import account


def test_a_process_turn_is_for_one():
    with process_turn("a") as first, process_turn("a") as second, process_turn("b") as other:
        assert (first, second, other) == (True, False, True)
    with process_turn("a") as again:
        assert again


@pytest.mark.django_db
def test_a_database_turn_is_for_one_among_all_processes():
    turn = database_turn(connection.cursor)
    settings = connection.get_connection_params()
    outside = psycopg.connect(
        **{k: v for k, v in settings.items() if k in ("dbname", "user", "password", "host", "port")}
    )
    try:
        theirs = database_turn(outside.cursor)
        with turn("10.0.0.11") as mine:
            assert mine
            taken = []

            def other_process():
                with theirs("10.0.0.12") as free:
                    taken.append(free)

            thread = threading.Thread(target=other_process)
            thread.start()
            thread.join(60)
            assert taken == [True]
        with outside.cursor() as cursor:
            cursor.execute("select pg_try_advisory_lock(%s, hashtext(%s))", [0x53414E31, "10.0.0.11"])
            assert cursor.fetchone() == (True,)
            with turn("10.0.0.11") as mine:
                assert not mine
            cursor.execute("select pg_advisory_unlock(%s, hashtext(%s))", [0x53414E31, "10.0.0.11"])
        with turn("10.0.0.11") as mine, turn("10.0.0.11") as twice:
            assert mine
            assert not twice
    finally:
        outside.close()


def test_a_dead_turn_does_not_outlive_a_fork():
    with process_turn("forked") as mine:
        assert mine
        child = os.fork()
        if child == 0:
            with process_turn("forked") as free:
                os._exit(0 if free else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_refusal_stands_for_this_password_only():
    gate = Gate()
    gate.refuse("h:443", account("old"), "SW refuses. Enter it anew.")
    with pytest.raises(Refused, match="SW refuses"):
        gate.admit("SW", "h:443", account("old"))
    gate.admit("SW", "h:443", account("new"))
    gate.admit("SW", "other:443", account("old"))
    gate.forget("h:443", "portal")
    gate.admit("SW", "h:443", account("old"))


def test_open_sessions_are_waited_for_longer_each_time():
    now = [0.0]
    gate = Gate(lambda: now[0])
    for _ in range(9):
        gate.left_open("h:443")
    now[0] = 14_399.0
    with pytest.raises(Busy, match="for another 1 s"):
        gate.admit("SW", "h:443", account())
    now[0] = 14_400.0
    gate.admit("SW", "h:443", account())
    gate.ended("h:443")


def test_endpoints_say_where():
    assert Endpoint("n", "::1", 8088).where == "[::1]:8088"
    assert Endpoint("n", "h").where == "h:443"
    with pytest.raises(ValueError, match=r".+"):
        pinned_key("no certificate")


def test_every_reader_offers_what_the_ports_ask_for():
    for port, readers in ((FabricReader, (FabricRest, FabricCli)), (ArrayReader, (ArrayRest,))):
        wanted = get_type_hints(port.look)
        assert [get_type_hints(reader.look) for reader in readers] == [wanted] * len(readers)
