"""A look at an array over HTTPS: sessions on either address, expiry, paging, mapping models, parts that fail alone."""

from __future__ import annotations

import json
import threading

import pytest

from portal.connectors.san.array_rest import ArrayRest
from portal.connectors.san.array_session import Kept
from portal.connectors.san.errors import Busy, Garbled, Refused, Unreachable
from portal.kernel.san import Mapped
from tests.fixtures_san_devices import OK, SERIAL, Dorado, Said, account, body, failure, found, raw


@pytest.fixture
def reader(dorado, gate):
    return ArrayRest((dorado.endpoint("PROD", port=dorado.port),), account(), gate=gate)


def paths(dorado):
    return [one.path.rpartition("/")[2] for one in dorado.asked]


def test_a_look_delivers_the_samples_and_ends_its_session(dorado, reader):
    seen = reader.look()
    assert (seen.serial, seen.name, seen.model) == (SERIAL, "DORADO-PROD", "OceanStor Dorado 5000 V6")
    assert [port.wwpn for port in seen.ports] == [f"20{n}3400a30d0001" for n in ("08", "09", "18", "19")]
    assert [one.ident for one in seen.controllers] == ["0A", "0B"]
    assert seen.hosts == {"0": "olvm-h1", "1": "olvm-h2"}
    assert len(seen.initiators) == 2
    assert len(seen.links) == 4
    assert [lun.name for lun in seen.luns] == ["he_sd", "ora_data01", "ora_redo01", "ora_fra01"]
    assert seen.mapped == tuple(Mapped("0", str(n), n, None) for n in range(1, 5))
    assert len(seen.pairs) == 3
    assert [group.name for group in seen.groups] == ["CG_ORA"]
    assert [remote.serial for remote in seen.remotes] == ["2102353XYZ00000002"]
    assert seen.alarms == ()
    assert seen.offset is not None
    assert seen.unread == {}
    assert dorado.tokens == set()
    assert dorado.asked[-1].method == "DELETE"
    assert len(dorado.logins()) == 1


def test_nothing_but_reading_and_sessions_leaves(dorado, reader):
    reader.look()
    other = {(method, path) for method, path in dorado.methods() if method != "GET"}
    assert other == {
        ("POST", "/deviceManager/rest/xxxxx/sessions"),
        ("DELETE", f"/deviceManager/rest/{SERIAL}/sessions"),
    }


def test_a_kept_session_is_used_again_and_ended_at_the_end(dorado, gate):
    cache = Kept()
    reader = ArrayRest((dorado.endpoint("PROD"),), account(), cache, gate=gate)
    reader.look()
    ArrayRest((dorado.endpoint("PROD"),), account(), cache, gate=gate).look()
    assert len(dorado.logins()) == 1
    assert dorado.ended() == []
    assert reader.close() == ""
    assert (dorado.tokens, cache.get(), reader.close()) == (set(), None, "")
    assert "correct" not in repr(cache) + repr(reader)


@pytest.mark.parametrize(
    "ended",
    [
        Said(200, raw("dorado-rest/error-token-expired.json")),
        Said(401, b"<html>"),
        Said(200, failure(1077939726)),
        Said(200, failure(4711)),
    ],
)
def test_a_kept_session_that_has_ended_is_replaced_once(dorado, gate, ended):
    cache = Kept()
    reader = ArrayRest((dorado.endpoint("PROD"),), account(), cache, gate=gate)
    reader.look()
    usual, answers = dorado.answers["system/"], [ended]
    dorado.answers["system/"] = lambda asked: answers.pop() if answers else usual
    seen = reader.look()
    assert seen.serial == SERIAL
    assert seen.unread == {}
    assert len(dorado.logins()) == 2
    assert len(dorado.tokens) == 1


def test_a_session_that_ends_in_the_middle_is_replaced_once_for_all(dorado, gate):
    cache = Kept()
    reader = ArrayRest((dorado.endpoint("PROD"),), account(), cache, gate=gate)
    reader.look()
    usual = dorado.answers["system/"]

    def expire(asked):
        dorado.answers["system/"] = usual
        dorado.tokens.clear()
        return usual

    dorado.answers["system/"] = expire
    seen = reader.look()
    assert seen.unread == {}
    assert len(dorado.logins()) == 2
    dorado.answers["lun"] = Said(200, failure(-401))
    seen = reader.look()
    assert "ended the portal's session" in seen.unread["luns"] or "code -401" in seen.unread["luns"]
    assert len(dorado.logins()) == 3


def test_a_refused_password_is_never_sent_again_to_either_address(dorado, gate, engine_identity):
    second = Dorado(engine_identity, "127.0.0.1")
    both = (dorado.endpoint("PROD"), second.endpoint("PROD"))
    reader = ArrayRest(both, account("wrong"), gate=gate)
    for _ in range(3):
        with pytest.raises(Refused, match="code 1077949061: The user name or password is incorrect"):
            reader.look()
    assert len(dorado.logins()) == 1
    assert second.asked == []
    second.close()


@pytest.mark.parametrize("state", [3, 4])
def test_a_password_that_must_be_changed_ends_the_session(dorado, reader, state):
    dorado.login = lambda asked: dorado.admit(accountstate=state)
    with pytest.raises(Refused, match="expired or must be reset"):
        reader.look()
    assert dorado.tokens == set()
    with pytest.raises(Refused):
        reader.look()
    assert len(dorado.logins()) == 1


@pytest.mark.parametrize(
    ("login", "kind"),
    [
        (Said(200, failure(4294967297)), Busy),
        (Said(200, failure(1077949006)), Busy),
        (Said(200, b"<html>"), Garbled),
        (Said(200, body({"data": {}} | OK)), Garbled),
        (Said(401, b"<html>"), Refused),
        (Said(200, failure(4711)), Refused),
    ],
)
def test_logins_that_fail(dorado, reader, login, kind):
    dorado.login = login
    with pytest.raises(kind):
        reader.look()


def test_the_second_address_serves_when_the_first_is_dead(dorado, gate, engine_identity):
    dead = Dorado(engine_identity)
    endpoints = (dead.endpoint("PROD"), dorado.endpoint("PROD"))
    dead.close()
    cache = Kept()
    reader = ArrayRest(endpoints, account(), cache, gate=gate)
    seen = reader.look()
    assert seen.serial == SERIAL
    assert list(seen.unread) == [f"management {endpoints[0].where}"]
    assert "nothing listens there" in seen.unread[f"management {endpoints[0].where}"]
    assert cache.get().where == endpoints[1].where
    assert reader.look().unread == {}  # the last good one comes first


def test_an_address_that_dies_between_looks(dorado, gate, engine_identity):
    second = Dorado(engine_identity)
    cache = Kept()
    reader = ArrayRest((dorado.endpoint("PROD"), second.endpoint("PROD")), account(), cache, gate=gate)
    reader.look()
    dorado.close()
    seen = reader.look()
    assert seen.serial == SERIAL
    assert len(second.logins()) == 1
    reader.close()
    second.close()


def test_both_addresses_dead(dorado, reader):
    dorado.close()
    with pytest.raises(Unreachable, match="PROD"):
        reader.look()


def lun(number):
    return {"TYPE": "11", "ID": str(number), "NAME": f"l{number}", "WWN": f"{number:032x}", "CAPACITY": "2"}


@pytest.mark.parametrize("many", [0, 1, 99, 100, 101, 250, 300])
def test_paging(dorado, reader, many):
    dorado.answers["lun"] = [lun(n) for n in range(many)]
    seen = reader.look()
    assert [one.ident for one in seen.luns] == [str(n) for n in range(many)]
    asked = [one.query for one in dorado.asked if one.path.endswith("/lun")]
    assert asked == [f"range=[{n * 100}-{n * 100 + 100}]" for n in range(many // 100 + 1)]


def test_a_resource_that_takes_no_range_is_read_without(dorado, reader):
    rows = Said(200, found(*[lun(n) for n in range(3)]))
    dorado.answers["lun"] = lambda asked: Said(200, failure(50331651)) if "range" in asked.query else rows
    assert len(reader.look().luns) == 3
    rows = Said(200, found(*[lun(n) for n in range(100)]))
    assert "so there may be more" in reader.look().unread["luns"]


def test_a_resource_that_ignores_the_range_is_read_once(dorado, reader):
    rows = Said(200, found(*[lun(n) for n in range(100)]))
    dorado.answers["lun"] = lambda asked: rows
    assert len(reader.look().luns) == 100


def test_both_ports_of_a_card_at_one_target_are_two_nexuses(dorado, reader):
    """A nexus' ID holds fifteen digits of the initiator's WWPN, and the ports of a card differ in the sixteenth."""
    ends = [(f"10000090fa0d675{port}", "20083400a30d0001") for port in "45"]
    rows = [
        {"ID": "010000090fa0d675-0000000000110100", "INITIATOR_PORT_WWN": one, "TARGET_PORT_WWN": other,
         "PARENTID": "0", "RUNNINGSTATUS": "27", "HEALTHSTATUS": "1"}
        for one, other in ends
    ]  # fmt: skip
    dorado.answers["host_link?INITIATOR_TYPE=223&PARENTID=0"] = rows
    assert [(one.initiator, one.target) for one in reader.look().links] == ends


def test_a_collection_without_end_is_left(dorado, reader, monkeypatch):
    monkeypatch.setattr("portal.connectors.san.array_rest.MOST_PAGES", 2)
    dorado.answers["lun"] = [lun(n) for n in range(1000)]
    assert "more than 200 objects" in reader.look().unread["luns"]


def test_a_part_that_fails_leaves_the_others(dorado, reader):
    dorado.answers["REPLICATIONPAIR"] = Said(200, failure(4711, "no licence"))
    dorado.answers["fc_initiator"] = Said(200, b"{")
    dorado.answers["system_utc_time"] = Said(200, failure(1077949001, "time-out"))
    dorado.answers["host_link?INITIATOR_TYPE=223&PARENTID=1"] = Said(500, b"oops")
    seen = reader.look()
    assert seen.unread == {
        "pairs": "The replication pairs of PROD cannot be read: code 4711: no licence.",
        "initiators": "The initiators of PROD cannot be read: its body is not whole JSON.",
        "clock": "The clock of PROD cannot be read: code 1077949001: time-out.",
        "links": "The live nexuses of PROD cannot be read: its body is not whole JSON.",
    }
    assert seen.offset is None
    assert len(seen.luns) == 4
    dorado.answers["system/"] = Said(200, failure(4711))
    bare = reader.look()
    assert (bare.serial, bare.name) == (SERIAL, "PROD")
    assert "system" in bare.unread


def test_port_groups_limit_the_ports_of_a_mapping(dorado, reader):
    dorado.answers["mappingview"] = Said(
        200, found({"ID": "1", "HOSTGROUPID": "3", "LUNGROUPID": "4", "PORTGROUPID": "5"})
    )
    dorado.answers["host/associate?ASSOCIATEOBJTYPE=14&ASSOCIATEOBJID=3"] = Said(200, found({"ID": "0"}))
    dorado.answers["lun/associate?ASSOCIATEOBJTYPE=256&ASSOCIATEOBJID=4"] = Said(200, found({"ID": "2"}))
    dorado.answers["fc_port/associate?ASSOCIATEOBJTYPE=257&ASSOCIATEOBJID=5"] = Said(200, found({"ID": "1114368"}))
    seen = reader.look()
    assert {one.lun: one.ports for one in seen.mapped} == {
        "1": None,
        "2": frozenset({"20083400a30d0001"}),
        "3": None,
        "4": None,
    }
    dorado.answers["fc_port/associate?ASSOCIATEOBJTYPE=257&ASSOCIATEOBJID=5"] = Said(200, failure(4711))
    assert seen.unread == {}
    assert "The mapping views" in reader.look().unread["mapped"]


def test_hypermetro_is_read_with_its_partner(dorado, reader):
    dorado.answers["HyperMetroPair"] = Said(
        200, found({"ID": "9", "DOMAINID": "0", "LOCALOBJID": "5", "REMOTEOBJID": "6"})
    )
    dorado.answers["HyperMetroDomain"] = Said(200, found({"ID": "0"}))
    dorado.answers["HyperMetro_ConsistentGroup"] = Said(200, found({"ID": "1", "NAME": "M"}))
    seen = reader.look()
    (metro,) = [pair for pair in seen.pairs if pair.kind == "metro"]
    assert metro.remote_serial == "2102353XYZ00000002"
    assert [group.kind for group in seen.groups] == ["replication", "metro"]


def test_no_more_than_a_few_requests_at_once(dorado, reader):
    now, most, lock = [0], [0], threading.Lock()
    usual = dorado.answer

    def counted(asked):
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        try:
            return usual(asked)
        finally:
            with lock:
                now[0] -= 1

    dorado.answer = counted
    dorado.answers["host"] = Said(200, found(*[{"ID": str(n), "NAME": f"h{n}"} for n in range(30)]))
    assert len(reader.look().hosts) == 30
    assert most[0] <= 4


def test_a_session_that_cannot_be_ended_is_said(dorado, reader):
    usual = dorado.answer
    dorado.answer = lambda asked: Said(500, failure(4711)) if asked.method == "DELETE" else usual(asked)
    assert "could not be ended" in reader.look().unread["logout"]


def test_one_look_at_a_time(dorado, reader, gate):
    begun, go = threading.Event(), threading.Event()

    def hold(asked):
        begun.set()
        return Said(200, body({"data": json.loads(raw("dorado-rest/prod-system.json"))["data"]} | OK), after=go)

    dorado.answers["system/"] = hold
    first = threading.Thread(target=reader.look)
    first.start()
    assert begun.wait(60)
    with pytest.raises(Busy, match="Another look at PROD"):
        reader.look()
    go.set()
    first.join(60)
