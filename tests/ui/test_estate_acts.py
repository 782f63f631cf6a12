"""Declaring paths, settling host keys and looking now, as plain forms: what was shown is what is done."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from inventory.models import DeclaredPath, Engine, Host, Look
from inventory.services.host_keys import shown
from portal.connectors.ssh_keys import fingerprint, new_key
from portal.evidence.models import Record
from tests.ui import world

FIRST, OTHER = (new_key()[1] for _ in range(2))


@pytest.fixture
def kvm02(db):
    world.build("healthy")
    return Host.objects.get(name="kvm02")


def as_(person, role: str, **more: bool) -> Client:
    client = Client(**more)
    client.force_login(person(role))
    return client


def text(answer) -> str:
    return answer.content.decode().replace("&#x27;", "'")


def lose(host: Host, *, fabric: str = "B") -> None:
    """The next look no longer sees the paths over a fabric; nothing is faulty."""
    look = Look.objects.get(host=host, probe="multipath")
    for one in look.facts["maps"]:
        one["paths"] = [path for path in one["paths"] if path["target_wwpn"] not in world.TARGETS[fabric]]
    look.save()


def page(client: Client, host: Host):
    return client.get(f"/hosts/{host.pk}/declare/")


def declare(client: Client, host: Host, **given: str):
    return client.post(f"/hosts/{host.pk}/declare/", given)


def test_a_host_page_counts_seen_and_declared_paths_and_leads_on(kvm02, reader, person):
    DeclaredPath.objects.filter(host=kvm02, wwid=f"{world.WWID}1").delete()
    read = text(reader.get(f"/hosts/{kvm02.pk}/"))
    assert "32 paths seen, 28 declared" in read
    assert f"/hosts/{kvm02.pk}/declare/" in read
    assert "/declare/" not in text(as_(person, "viewer").get(f"/hosts/{kvm02.pk}/"))
    Look.objects.filter(probe="multipath").update(at=timezone.now() - timedelta(minutes=5))
    assert "Paths seen: not known, 28 declared" in text(reader.get(f"/hosts/{kvm02.pk}/"))


def test_a_first_declaration_is_exactly_what_was_shown(kvm02, reader, person):
    DeclaredPath.objects.filter(host=kvm02).delete()
    read = page(reader, kvm02)
    assert "Declare kvm02’s paths?" in text(read)
    assert "ora_data01" in text(read)
    assert 'name="typed"' not in text(read)
    Look.objects.update(due_at=timezone.now() + timedelta(hours=1))
    answer = declare(reader, kvm02, sha256=read.context["shown"].sha256)
    assert answer["Location"] == f"/hosts/{kvm02.pk}/"
    rows = DeclaredPath.objects.filter(host=kvm02)
    assert rows.count() == 32
    assert set(rows.values_list("declared_by__username", flat=True)) == {"operator1"}
    record = Record.objects.get(kind="paths.declared")
    assert (record.actor, record.subject, record.body["paths"]) == ("operator1", "host:kvm02", 32)
    assert len(record.body["added"]) == 8
    assert record.body["dropped"] == {}
    assert Look.objects.get(host=kvm02, probe="multipath").due_at <= timezone.now(), "looked at soon"
    assert Look.objects.get(host=kvm02, probe="host_facts").due_at > timezone.now()
    assert "32 paths of kvm02 are declared: 32 added" in text(reader.get(answer["Location"]))


def test_a_declaration_that_hides_a_loss_says_so_and_needs_the_name(kvm02, reader):
    lose(kvm02)
    read = page(reader, kvm02)
    words = text(read)
    assert "Declaring hides a loss" in words
    assert "16 declared paths of kvm02 are not seen now: 2 of he_sd" in words
    assert "the loss is then reported nowhere" in words
    assert "Declare 16 paths of kvm02 and drop 16" in words
    assert world.hba(2, "B") in words
    assert world.TARGETS["B"][0] in words
    mark = read.context["shown"].sha256
    for typed in ("", "kvm01", "KVM02"):
        refused = declare(reader, kvm02, sha256=mark, typed=typed)
        assert refused.status_code == 422
        assert "Type kvm02 to confirm" in text(refused)
    assert DeclaredPath.objects.filter(host=kvm02).count() == 32
    assert declare(reader, kvm02, sha256=mark, typed=" kvm02 ").status_code == 302
    left = set(DeclaredPath.objects.filter(host=kvm02).values_list("target_wwpn", flat=True))
    assert left == set(world.TARGETS["A"])
    body = Record.objects.get(kind="paths.declared").body
    assert body["dropped"][f"{world.WWID}1"] == [f"{world.hba(2, 'B')}>{target}" for target in world.TARGETS["B"]]
    assert "not seen now" in body["dangers"][0]


def test_paths_that_do_not_work_need_the_name_too(db, reader):
    world.build("warning")
    host = Host.objects.get(name="kvm02")
    DeclaredPath.objects.filter(host=host, wwid=f"{world.WWID}1").delete()
    read = page(reader, host)
    assert "1 of 32 seen paths of kvm02 does not work now" in text(read)
    assert "Does not work" in text(read)
    assert declare(reader, host, sha256=read.context["shown"].sha256).status_code == 422
    assert not DeclaredPath.objects.filter(host=host, wwid=f"{world.WWID}1").exists()


def test_what_changed_since_it_was_shown_is_not_declared(kvm02, reader):
    DeclaredPath.objects.filter(host=kvm02).delete()
    mark = page(reader, kvm02).context["shown"].sha256
    lose(kvm02)
    refused = declare(reader, kvm02, sha256=mark, typed="kvm02")
    assert refused.status_code == 409
    assert "has changed since the page was made. Nothing was declared" in text(refused)
    assert refused.context["shown"].sha256 != mark, "the page shows what is now"
    assert not DeclaredPath.objects.filter(host=kvm02).exists()
    assert not Record.objects.filter(kind="paths.declared").exists()


def test_a_declaration_that_another_made_meanwhile_counts_as_a_change(kvm02, reader, person):
    DeclaredPath.objects.filter(host=kvm02).delete()
    mark = page(reader, kvm02).context["shown"].sha256
    assert declare(as_(person, "operator"), kvm02, sha256=mark).status_code == 302
    assert declare(reader, kvm02, sha256=mark).status_code == 409
    assert Record.objects.filter(kind="paths.declared").count() == 1


def test_input_and_output_in_flight_is_no_change(kvm02, reader):
    DeclaredPath.objects.filter(host=kvm02).delete()
    mark = page(reader, kvm02).context["shown"].sha256
    Look.objects.filter(host=kvm02, probe="multipath").update(sha256="9" * 64, at=timezone.now())
    assert declare(reader, kvm02, sha256=mark).status_code == 302


def test_a_declared_path_in_another_spelling_is_the_same_path(kvm02, reader):
    for row in DeclaredPath.objects.filter(host=kvm02):
        row.hba_wwpn, row.target_wwpn = row.hba_wwpn.upper(), row.target_wwpn.upper()
        row.save()
    read = page(reader, kvm02)
    assert "what is seen is what is declared" in text(read)
    assert declare(reader, kvm02, sha256=read.context["shown"].sha256).status_code == 409


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"at": timezone.now() - timedelta(hours=1)}, "is not known now"),
        ({"state": "unanswered", "sentence": "kvm02 hangs."}, "nothing can be declared. kvm02 hangs."),
        ({"state": "never", "at": None}, "no readable multipath look yet"),
        ({"facts": {"source": "json"}}, "another version of Holdfast"),
    ],
)
def test_what_is_not_known_now_cannot_be_declared(kvm02, reader, change, sentence):
    DeclaredPath.objects.filter(host=kvm02).delete()
    mark = page(reader, kvm02).context["shown"].sha256
    Look.objects.filter(host=kvm02, probe="multipath").update(**change)
    read = page(reader, kvm02)
    assert (read.status_code, read.context["state"]) == (200, "unknown")
    assert sentence in text(read)
    assert "<form" not in text(read).split("<main", 1)[1]
    assert declare(reader, kvm02, sha256=mark, typed="kvm02").status_code == 409
    assert not DeclaredPath.objects.filter(host=kvm02).exists()


def test_a_kernel_without_multipathd_is_no_ground_for_a_declaration(kvm02, reader):
    look = Look.objects.get(host=kvm02, probe="multipath")
    look.facts["source"] = "kernel"
    look.save()
    assert "multipathd does not answer on kvm02" in text(page(reader, kvm02))


def test_fewer_paths_than_the_other_host_declares_are_mentioned(kvm02, reader):
    DeclaredPath.objects.filter(host=kvm02).delete()
    lose(kvm02)
    assert "kvm02 sees 2 paths of he_sd; kvm01 declares 4, and so for 7 more. Compare" in text(page(reader, kvm02))


def test_a_port_that_is_down_at_the_first_declaration_is_a_danger(kvm02, reader):
    DeclaredPath.objects.filter(host=kvm02).delete()
    lose(kvm02)
    look = Look.objects.get(host=kvm02, probe="multipath")
    look.facts["hbas"][1]["state"] = "Linkdown"
    look.save()
    read = page(reader, kvm02)
    assert f"FC port {world.hba(2, 'B')} (host16) is Linkdown" in text(read)
    assert declare(reader, kvm02, sha256=read.context["shown"].sha256).status_code == 422


def test_the_page_costs_the_same_at_any_number_of_paths(kvm02, reader, django_assert_max_num_queries):
    DeclaredPath.objects.filter(host=kvm02).delete()
    page(reader, kvm02)
    with django_assert_max_num_queries(12):
        page(reader, kvm02)
    offer(kvm02)
    with django_assert_max_num_queries(12):
        reader.get(f"/hosts/{kvm02.pk}/")


# host keys


def offer(host: Host, *, pinned: str = FIRST, offered: str = OTHER, recorded: str = "") -> None:
    Host.objects.filter(pk=host.pk).update(
        pinned_key=pinned, pinned_at=timezone.now(), offered_key=offered, ssh_fingerprint=recorded
    )


def settle(client: Client, host: Host, act: str, **given: str):
    return client.post(f"/hosts/{host.pk}/key/", {"act": act, **given})


def test_an_offered_key_is_announced_with_both_fingerprints_and_what_to_do(kvm02, reader, person):
    offer(kvm02, recorded=fingerprint(OTHER))
    read = text(reader.get(f"/hosts/{kvm02.pk}/")).replace("&#x2B;", "+")
    for words in (fingerprint(FIRST), fingerprint(OTHER), "equals the offered key", "ssh-keygen -lf /etc/ssh/"):
        assert words in read
    assert f"/hosts/{kvm02.pk}/key/" not in read, "an operator cannot accept it"
    assert f"/hosts/{kvm02.pk}/key/" in text(as_(person, "admin").get(f"/hosts/{kvm02.pk}/"))
    offer(kvm02, recorded=fingerprint(FIRST))
    assert "differs from the offered key" in text(reader.get(f"/hosts/{kvm02.pk}/"))
    for recorded in ("", "aa:bb:cc"):
        offer(kvm02, recorded=recorded)
        assert "cannot be compared" in text(reader.get(f"/hosts/{kvm02.pk}/"))
    offer(kvm02, pinned="")
    read = text(reader.get(f"/hosts/{kvm02.pk}/"))
    assert "kvm02 has no pinned key" in read
    assert "another key than the pinned one" not in read


def test_an_administrator_accepts_exactly_the_key_that_was_shown(kvm02, person):
    admin = as_(person, "admin")
    offer(kvm02)
    path = f"/hosts/{kvm02.pk}/key/"
    assert fingerprint(OTHER) in text(admin.get(path)).replace("&#x2B;", "+")
    mark = fingerprint(OTHER)
    untyped = settle(admin, kvm02, "accept", fingerprint=mark, typed="kvm01")
    assert (untyped.status_code, "Type kvm02 to confirm" in text(untyped)) == (422, True)
    stale = settle(admin, kvm02, "accept", fingerprint=fingerprint(FIRST), typed="kvm02")
    assert (stale.status_code, "offers another key by now" in text(stale)) == (409, True)
    assert Host.objects.get(pk=kvm02.pk).pinned_key == FIRST
    Look.objects.update(due_at=timezone.now() + timedelta(hours=1))
    assert settle(admin, kvm02, "accept", fingerprint=mark, typed="kvm02")["Location"] == f"/hosts/{kvm02.pk}/"
    host = Host.objects.get(pk=kvm02.pk)
    assert (host.pinned_key, host.offered_key) == (OTHER, "")
    record = Record.objects.get(kind="hostkey.accepted")
    assert (record.actor, record.body) == ("admin1", {"pinned": OTHER, "before": FIRST})
    assert Look.objects.get(host=kvm02, probe="multipath").due_at <= timezone.now()
    assert settle(admin, kvm02, "accept", fingerprint=mark, typed="kvm02").status_code == 422, "none waits any more"


def test_a_dismissed_key_leaves_the_pin_and_goes_on_record(kvm02, person):
    admin = as_(person, "admin")
    offer(kvm02)
    assert settle(admin, kvm02, "dismiss", fingerprint=fingerprint(FIRST)).status_code == 409
    assert settle(admin, kvm02, "dismiss", fingerprint=fingerprint(OTHER)).status_code == 302
    host = Host.objects.get(pk=kvm02.pk)
    assert (host.pinned_key, host.offered_key) == (FIRST, "")
    assert Record.objects.get(kind="hostkey.dismissed").body == {"offered": OTHER, "pinned": FIRST}


def test_a_key_is_pinned_by_hand_where_there_is_none(kvm02, person):
    admin = as_(person, "admin")
    offer(kvm02, pinned="", offered="")
    assert "No host key is pinned" in text(admin.get(f"/hosts/{kvm02.pk}/"))
    assert 'name="line"' in text(admin.get(f"/hosts/{kvm02.pk}/key/"))
    assert settle(admin, kvm02, "pin", line=f"  {FIRST} root@kvm02\r\n", typed="kvm02").status_code == 302
    host = Host.objects.get(pk=kvm02.pk)
    assert (host.pinned_key, host.pinned_at is not None) == (FIRST, True)
    record = Record.objects.get(kind="hostkey.pinned")
    assert (record.actor, record.body["fingerprint"]) == ("admin1", fingerprint(FIRST))
    again = settle(admin, kvm02, "pin", line=OTHER, typed="kvm02")
    assert (again.status_code, "has a pinned key already" in text(again)) == (422, True)
    assert Host.objects.get(pk=kvm02.pk).pinned_key == FIRST


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("", "Paste one line"),
        (f"{FIRST}\n{OTHER}", "Paste one line"),
        ("x" * 5000, "Paste one line"),
        (f"kvm02 {FIRST}", "begins with kvm02"),
        ("ssh-dss AAAAB3NzaC1kc3MAAACBAP", "begins with ssh-dss"),
        ("ssh-ed25519", "is no such key"),
        ("ssh-ed25519 !!!", "is no such key"),
        (FIRST[:-8], "is no such key"),
        (FIRST.replace("ssh-ed25519", "ssh-rsa"), "is no such key"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----", "This is a private key"),
    ],
    ids=["empty", "two", "long", "named", "dss", "no-blob", "no-base64", "cut", "other-type", "private"],
)
def test_what_is_no_public_key_is_refused_in_words_and_kept_in_the_form(kvm02, person, line, sentence):
    admin = as_(person, "admin")
    offer(kvm02, pinned="", offered="")
    refused = settle(admin, kvm02, "pin", line=line, typed="kvm02")
    assert (refused.status_code, sentence in text(refused)) == (422, True)
    assert 'role="alert"' in text(refused)
    assert Host.objects.get(pk=kvm02.pk).pinned_key == ""
    assert not Record.objects.filter(kind="hostkey.pinned").exists()


def test_fingerprints_are_what_ssh_keygen_prints(tmp_path):
    import subprocess

    for kind in ("ed25519", "ecdsa", "rsa"):
        file = tmp_path / kind
        subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(file)], check=True)
        told = subprocess.run(["ssh-keygen", "-lf", f"{file}.pub"], check=True, capture_output=True, text=True).stdout
        key = shown((tmp_path / f"{kind}.pub").read_text())
        assert key is not None
        assert (key.fingerprint, f"({key.kind})") == (told.split()[1], told.split()[-1])
        assert key.file == f"/etc/ssh/ssh_host_{kind}_key.pub"


# looking now, and the connection


def test_look_now_makes_a_hosts_looks_due_and_a_second_click_is_harmless(kvm02, reader):
    later = timezone.now() + timedelta(hours=1)
    Look.objects.update(due_at=later)
    assert f"/hosts/{kvm02.pk}/look/" in text(reader.get(f"/hosts/{kvm02.pk}/"))
    for _ in range(2):
        answer = reader.post(f"/hosts/{kvm02.pk}/look/")
        assert answer["Location"] == f"/hosts/{kvm02.pk}/"
    mine = Look.objects.filter(host=kvm02).exclude(probe="ssh")
    assert not mine.filter(due_at__gt=timezone.now()).exists()
    assert not Look.objects.exclude(host=kvm02).filter(due_at__lt=later).exists()
    assert Record.objects.filter(kind="look.asked", actor="operator1", subject="host:kvm02").count() == 1
    assert "kvm02 is looked at now" in text(reader.get(answer["Location"]))


def test_look_now_at_an_engine_takes_its_page_along(kvm02, reader):
    engine = Engine.objects.get()
    later = timezone.now() + timedelta(hours=1)
    Look.objects.update(due_at=later)
    assert f"/engine/{engine.pk}/look/" in text(reader.get("/engine/"))
    assert reader.post(f"/engine/{engine.pk}/look/")["Location"] == f"/engine/?engine={engine.pk}"
    due = set(Look.objects.filter(due_at__lt=later).values_list("host__name", "probe"))
    assert {(None, "engine_health"), ("kvm01", "she_status"), ("kvm02", "ha_state")} <= due
    assert ("kvm01", "multipath") not in due


def test_where_no_look_is_planned_the_page_says_so(kvm02, reader):
    Look.objects.filter(host=kvm02).delete()
    reader.post(f"/hosts/{kvm02.pk}/look/")
    assert "No look at kvm02 is planned" in text(reader.get(f"/hosts/{kvm02.pk}/"))
    Engine.objects.update(watched=False)
    assert "is not watched" in text(reader.post(f"/hosts/{kvm02.pk}/look/", follow=True))
    assert not Record.objects.filter(kind="look.asked").exists()


def test_the_connection_shows_an_administrator_the_public_half_only(kvm02, reader, person):
    private, public = new_key()
    engine = Engine.objects.get()
    engine.ssh_private_key, engine.ssh_public_key = private, public
    engine.save()
    read = text(as_(person, "admin").get("/engine/")).replace("&#x2B;", "+")
    assert public.split()[1] in read
    assert fingerprint(public) in read
    assert f"/admin/inventory/engine/{engine.pk}/change/" in read
    assert "PRIVATE" not in read
    assert private.reveal().splitlines()[1] not in read
    assert public.split()[1] not in text(reader.get("/engine/")).replace("&#x2B;", "+")


@pytest.mark.parametrize(
    ("path", "role"),
    [("declare/", "admin"), ("declare/", "viewer"), ("key/", "operator"), ("look/", "viewer"), ("look/", "auditor")],
)
def test_who_may_not_is_refused_and_the_refusal_recorded(kvm02, person, path, role):
    refused = as_(person, role).post(f"/hosts/{kvm02.pk}/{path}", {"typed": "kvm02"})
    assert refused.status_code == 403
    assert Record.objects.get(kind="access.denied").actor == f"{role}1"


def test_no_act_works_without_the_csrf_token(kvm02, person):
    offer(kvm02)
    engine = Engine.objects.get()
    for role, path in (
        ("operator", f"/hosts/{kvm02.pk}/declare/"),
        ("admin", f"/hosts/{kvm02.pk}/key/"),
        ("operator", f"/hosts/{kvm02.pk}/look/"),
        ("operator", f"/engine/{engine.pk}/look/"),
    ):
        strict = as_(person, role, enforce_csrf_checks=True)
        assert strict.post(path, {"act": "dismiss", "fingerprint": fingerprint(OTHER)}).status_code == 403, path
    assert Host.objects.get(pk=kvm02.pk).offered_key == OTHER


@pytest.mark.django_db(transaction=True)
def test_two_who_declare_the_same_at_once_declare_it_once(person):
    """The second waits for the first, and then finds that what it was shown has changed."""
    from concurrent.futures import ThreadPoolExecutor

    from django.db import connection

    from inventory.services.declare import CannotDeclare, ShownHasChanged, proposal
    from inventory.services.declare import declare as write

    world.build("healthy")
    host, by = Host.objects.get(name="kvm02"), person("operator")
    DeclaredPath.objects.filter(host=host).delete()
    mark = proposal(host).sha256

    def once(_: int) -> str:
        try:
            return str(write(host, by, mark).added)
        except CannotDeclare as refusal:
            return type(refusal).__name__
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        ended = sorted(threads.map(once, range(4)))
    assert ended == ["32", *[ShownHasChanged.__name__] * 3]
    assert DeclaredPath.objects.filter(host=host).count() == 32
    assert Record.objects.filter(kind="paths.declared").count() == 1
