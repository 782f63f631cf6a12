"""What is particular to each change system: logins, next states, gating, conflicts, signatures; and trust."""

from __future__ import annotations

import itertools
import socket
from dataclasses import replace

import pytest

from lab.change.servicenow import ServiceNow as Instance
from lab.tls import identity
from portal.connectors.change import OPTIONS, connect, problem_of
from portal.kernel.change import (
    ChangeBusy,
    ChangeGarbled,
    ChangeHeld,
    ChangeKey,
    ChangeLogin,
    ChangeRefused,
    ChangeUnreachable,
    ChangeUntrusted,
    Gate,
)
from portal.kernel.secret import Secret
from tests.fixtures_changes import BEGINS, ENDS, KINDS, wanted

pytestmark = pytest.mark.wire
marks = (f"own-{number}" for number in itertools.count())


def requests(changes, kind, sort):
    return sum(one["sort"] == sort for one in changes.ledger(kind, "request"))


# --- logins


@pytest.mark.parametrize("kind", ["servicenow", "jira", "bmc"])
def test_a_wrong_password_is_refused_and_not_shown(changes, kind):
    key = changes.open(kind)
    with pytest.raises(ChangeLogin) as caught:
        changes.connect(kind, secret=Secret("not-the-password")).read(key)
    assert caught.value.status == 401
    assert "not-the-password" not in str(caught.value)
    assert "not-the-password" not in repr(changes.connect(kind, secret=Secret("not-the-password")))


@pytest.mark.parametrize(("kind", "more"), [("servicenow", {"login": "oauth"}), ("bmc", {})])
def test_a_token_is_kept_and_renewed_when_it_has_ended(changes, kind, more):
    key = changes.open(kind)
    changes.http("POST", f"/change/{kind}/expire-tokens")
    system = changes.connect(kind, **more)
    system.read(key)
    before = requests(changes, kind, "login")
    system.read(key)
    changes.connect(kind, **more).read(key)
    assert requests(changes, kind, "login") == before
    changes.http("POST", f"/change/{kind}/expire-tokens")
    assert system.read(key).gate is Gate.AWAITING
    assert requests(changes, kind, "login") == before + 1


@pytest.mark.parametrize(("kind", "more"), [("servicenow", {"login": "oauth"}), ("bmc", {})])
def test_tokens_that_are_not_taken_end_after_one_renewal(changes, kind, more):
    key = changes.open(kind)
    system = changes.connect(kind, **more)
    system.read(key)
    changes.fault(kind, "refuse", status=401, what="read", times=0)
    before = requests(changes, kind, "login")
    with pytest.raises(ChangeRefused):
        system.read(key)
    assert requests(changes, kind, "login") <= before + 1


@pytest.mark.parametrize(("kind", "more"), [("servicenow", {"login": "oauth"}), ("bmc", {})])
def test_a_login_that_is_no_login(changes, kind, more):
    key = changes.open(kind)
    changes.http("POST", f"/change/{kind}/expire-tokens")
    system = changes.connect(kind, account="holdfast-other", **more)
    with pytest.raises(ChangeLogin, match="login"):
        system.read(key)
    changes.fault(kind, "html", status=200)
    with pytest.raises(ChangeGarbled):
        system.read(key)


# --- ServiceNow


def test_the_change_is_found_by_number_or_sys_id_and_tells_its_own(changes):
    one, two = changes.open("servicenow"), changes.open("servicenow")
    system = changes.connect("servicenow")
    assert system.read(replace(one, sys_id="")).key == one
    assert system.read(ChangeKey("servicenow", "", one.sys_id)).key == one
    for wrong in (two.sys_id, "f" * 32):
        assert system.read(replace(one, sys_id=wrong)).key == one, "the number is what people approve"
    assert system.read(ChangeKey("servicenow", "", "f" * 32)).gate is Gate.INVALID


def test_older_releases_name_the_next_states_otherwise(changes, monkeypatch):
    key = changes.open("servicenow")
    changes.act("servicenow", key.number, "approve")
    counter = changes.alone.servers.fronts[0].answer.__self__
    monkeypatch.setattr(counter, "api", Instance(changes.alone.servers.desks["servicenow"], old=True))
    changes.connect("servicenow").close(key, BEGINS, ENDS, "successful", "Done.")
    assert changes.told("servicenow", key.number)["state"] == "closed"


@pytest.mark.parametrize(
    ("before", "why"),
    [
        ([], "stays New"),
        (["hold"], "New"),
        (["approve", "hold"], "Not On hold"),
        (["approve", "cancel"], "canceled"),
        (["close"], "closed already"),
    ],
)
def test_a_close_that_is_not_permitted_says_what_is(changes, before, why):
    key = changes.open("servicenow")
    for act in before:
        changes.act("servicenow", key.number, act, **({"code": "unsuccessful"} if act == "close" else {}))
    state = changes.told("servicenow", key.number)["state"]
    with pytest.raises(ChangeRefused, match=why):
        changes.connect("servicenow").close(key, BEGINS, ENDS, "successful", "Done.")
    assert changes.told("servicenow", key.number)["state"] == state


def test_a_close_goes_on_where_it_was_stopped(changes):
    key = changes.open("servicenow")
    changes.act("servicenow", key.number, "approve")
    changes.fault("servicenow", "lost-answer", what="close", times=1)
    system = changes.connect("servicenow")
    with pytest.raises(ChangeUnreachable):
        system.close(key, BEGINS, ENDS, "successful", "Done.")
    system.close(key, BEGINS, ENDS, "successful", "Done.")
    states = [one["state"] for one in changes.ledger("servicenow", "state", key.number)]
    assert states == ["implement", "review", "closed"]


def test_a_journal_that_is_hidden_is_looked_for_in_the_record(changes):
    key = changes.open("servicenow")
    system, mark = changes.connect("servicenow"), next(marks)
    changes.fault("servicenow", "no-journal")
    for _ in range(2):
        system.note(key, "Once.", mark)
    assert len(changes.told("servicenow", key.number)["notes"]) == 1


def test_conflicts_are_told(changes):
    key = changes.open("servicenow")
    system = changes.connect("servicenow")
    assert system.clashes(key) == ()
    changes.act("servicenow", key.number, "conflict", what="Blackout")
    assert system.clashes(key) == (f"{key.number}: Blackout.",)


def test_standard_changes_are_made_from_a_template(changes):
    with pytest.raises(ChangeRefused, match="template"):
        changes.connect("servicenow").create(wanted(next(marks), kind="standard"))
    system = changes.connect("servicenow", template="a" * 32)
    made = system.create(wanted(next(marks), kind="standard"))
    assert (made.kind, made.gate) == ("standard", Gate.ALLOWED)
    assert system.create(wanted("", kind="emergency")).kind == "emergency"


def test_an_attachment_of_the_same_name_and_other_content_is_another(changes):
    key = changes.open("servicenow")
    system = changes.connect("servicenow")
    for content in (b"one", b"two", b"one"):
        system.attach(key, "report.pdf", "application/pdf", content, next(marks))
    assert len(changes.told("servicenow", key.number)["files"]) == 2


@pytest.mark.parametrize("sys_id", ["x", "g" * 32, "0" * 31, "../" * 10])
def test_what_is_no_sys_id_is_not_asked_for(changes, sys_id):
    system = changes.connect("servicenow")
    assert system.read(ChangeKey("servicenow", "CHG1", sys_id)).gate is Gate.INVALID
    with pytest.raises(ChangeRefused):
        system.note(ChangeKey("servicenow", "CHG1", sys_id), "x", next(marks))


# --- Jira


def gated(changes):
    """A gated deployment and its key, once Jira has made the issue."""
    system, mark = changes.connect("jira", services="b:core-banking, b:other"), next(marks)
    with pytest.raises(ChangeBusy) as caught:
        system.create(wanted(mark))
    assert caught.value.wait > 0
    return system, system.create(wanted(mark)), mark


def test_a_deployment_is_gated_by_the_issue_that_jira_makes(changes):
    system, made, mark = gated(changes)
    assert made.gate is Gate.AWAITING
    assert made.key.sys_id.startswith("holdfast/production/")
    assert system.create(wanted(mark)).key == made.key
    changes.act("jira", made.key.number, "approve")
    assert system.read(made.key).gate is Gate.ALLOWED
    assert system.read(replace(made.key, number="")).key == made.key
    crossed = system.read(replace(made.key, number="OPS-1"))
    assert (crossed.gate, crossed.state) == (Gate.INVALID, "")
    assert system.find(wanted(mark)).key == made.key
    assert system.find(wanted(next(marks))) is None
    system.note(replace(made.key, number=""), "The drill begins.", mark)
    assert len(changes.told("jira", made.key.number)["notes"]) == 1


def test_a_deployment_that_jira_names_no_change_of_is_nobodys(changes, monkeypatch):
    """It gates as before, and confirms no number that somebody named."""
    system, made, _ = gated(changes)
    changes.act("jira", made.key.number, "approve")
    monkeypatch.setattr("portal.connectors.change.reading.jira.gated_issue", lambda gating: ("", ""))
    seen = system.read(made.key)
    assert (seen.gate, seen.key) == (Gate.ALLOWED, replace(made.key, sys_id=""))


def test_a_gated_deployment_ends_with_its_result(changes):
    system, made, _ = gated(changes)
    changes.act("jira", made.key.number, "approve")
    system.close(made.key, BEGINS, ENDS, "unsuccessful", "Two objectives missed.")
    told = changes.told("jira", made.key.number)
    assert (told["code"], told["began"][:16]) == ("Failed", "2026-12-05T20:00")
    assert changes.ledger("jira", "deployment")[-1]["state"] == "failed"
    assert system.read(made.key).gate is Gate.PREVENTED


def test_an_odd_gating_status_prevents(changes):
    system, made, _ = gated(changes)
    changes.act("jira", made.key.number, "approve")
    changes.fault("jira", "odd-state", word="expired")
    assert system.read(made.key).gate is Gate.PREVENTED


def test_a_close_that_jira_offers_no_way_for(changes):
    key = changes.open("jira")
    with pytest.raises(ChangeRefused, match="awaiting approval"):
        changes.connect("jira").close(key, BEGINS, ENDS, "successful", "Done.")
    changes.act("jira", key.number, "cancel")
    with pytest.raises(ChangeRefused, match="Canceled"):
        changes.connect("jira").close(key, BEGINS, ENDS, "successful", "Done.")


def test_an_issue_without_a_service_desk_has_no_approval(changes):
    key = changes.open("jira")
    changes.act("jira", key.number, "approve")
    changes.fault("jira", "no-service-desk")
    seen = changes.connect("jira").read(key)
    assert seen.gate is Gate.AWAITING
    assert seen.sentence == f"{key.number} has no approval on record."


def test_jira_needs_a_project_or_services(changes):
    with pytest.raises(ChangeRefused, match="project"):
        changes.connect("jira", project="").create(wanted(next(marks)))
    assert changes.connect("jira").clashes(ChangeKey("jira", "OPS-1")) == ()


@pytest.mark.parametrize("sys_id", ["x", "a/b", "a/b/c", "a b/c/1", "a/b/1/../2"])
def test_what_is_no_deployment_is_not_asked_for(changes, sys_id):
    assert changes.connect("jira").read(ChangeKey("jira", "", sys_id)).gate is Gate.INVALID
    with pytest.raises(ChangeRefused):
        changes.connect("jira").note(ChangeKey("jira", "", sys_id), "x", next(marks))


def test_jira_deployments_are_asked_for_by_their_own_login(changes):
    system, mark = changes.connect("jira", services="b:core"), next(marks)
    before = requests(changes, "jira", "login")
    with pytest.raises(ChangeBusy, match="made no change"):
        system.create(wanted(mark))
    assert system.create(wanted(mark)).gate is Gate.AWAITING
    changes.http("POST", "/change/jira/expire-tokens")
    assert system.find(wanted(mark)).gate is Gate.AWAITING
    assert requests(changes, "jira", "login") <= before + 2
    known = changes.known["jira"]
    wrong = changes.connect("jira", services="b:core", secret=Secret(f"{known['password']} another-secret"))
    with pytest.raises(ChangeLogin):
        wrong.create(wanted(next(marks)))
    with pytest.raises(ChangeLogin, match="is not two"):
        changes.connect("jira", services="b:core", secret=Secret(known["password"]))
    with pytest.raises(ChangeRefused, match="no login for deployments"):
        changes.connect("jira").read(ChangeKey("jira", "", "holdfast/production/1"))


def test_jira_a_type_that_is_not_there_makes_no_issue(changes):
    before = len(changes.ledger("jira", "create"))
    with pytest.raises(ChangeRefused, match="valid issue type"):
        changes.connect("jira", issue_type="Modification").create(wanted(next(marks)))
    assert len(changes.ledger("jira", "create")) == before
    changes.fault("jira", "cloud-types")
    assert changes.connect("jira").create(wanted(next(marks))).gate is Gate.AWAITING
    changes.fault("jira", "refuse", status="400", what="create", times="1")  # for another reason: asked once
    with pytest.raises(ChangeRefused, match="The lab refuses"):
        changes.connect("jira").create(wanted(next(marks)))


def test_jira_takes_a_personal_access_token_without_an_account(changes):
    key = changes.open("jira")
    assert changes.connect("jira", account="").read(key).gate is Gate.AWAITING
    with pytest.raises(ChangeLogin):
        changes.connect("jira", account="", secret=Secret("another-token")).read(key)


def test_servicenow_a_configuration_item_is_handed_in_by_its_sys_id(changes):
    """A field that names another record takes no name; one that is not known is told in words."""
    system = changes.connect("servicenow")
    for name, ci in (("oradb01", ("oradb01",)), ("Unknown DB", ()), ("a^ORDERBYname", ())):
        made = system.create(wanted(next(marks), ci=(name,)))
        about = changes.alone.servers.desks["servicenow"].changes[made.key.number].texts["description"]
        assert (made.ci, name in about) == (ci, not ci)
    with_id = system.create(wanted(next(marks), ci=("4ffb17e8d83ab0b9ae87dd0ec8dc4e31",)))
    assert with_id.gate is Gate.AWAITING


def test_servicenow_a_note_that_is_left_out_is_not_taken_for_written(changes):
    """What the account may not write is ignored with 200."""
    key = changes.open("servicenow")
    system = changes.connect("servicenow")
    system.note(key, "The drill begins.", next(marks))
    changes.fault("servicenow", "notes-ignored")
    mark = next(marks)
    with pytest.raises(ChangeHeld, match="leaves it out"):
        system.note(key, "The drill ends.", mark)
    changes.fault("servicenow", "no-journal")
    with pytest.raises(ChangeHeld, match="leaves it out"):
        system.note(key, "The drill ends.", mark)
    changes.calm()
    system.note(key, "The drill ends.", mark)
    assert len(changes.told("servicenow", key.number)["notes"]) == 2


# --- BMC Helix


def test_bmc_codes_are_those_that_bmc_knows(changes):
    assert problem_of("bmc", "https://x.example", {"impact": "5000"}).startswith("impact")
    assert changes.connect("bmc", impact="1000", urgency="2000").create(wanted(next(marks))).gate is Gate.AWAITING


def test_bmc_a_close_of_what_is_not_approved_is_refused(changes):
    key = changes.open("bmc")
    with pytest.raises(ChangeHeld, match="begins at Scheduled"):
        changes.connect("bmc").close(key, BEGINS, ENDS, "successful", "Done.")
    assert changes.told("bmc", key.number)["state"] == "new"
    assert changes.connect("bmc").clashes(key) == ()


def test_bmc_a_close_goes_on_from_where_the_change_is(changes):
    key = changes.open("bmc")
    changes.act("bmc", key.number, "approve")
    changes.act("bmc", key.number, "step", state="implement")
    changes.connect("bmc").close(key, BEGINS, ENDS, "successful", "Done.")
    assert [one["state"] for one in changes.ledger("bmc", "state", key.number)] == ["review", "closed"]
    held = changes.open("bmc")
    changes.act("bmc", held.number, "approve")
    changes.act("bmc", held.number, "hold")
    with pytest.raises(ChangeHeld, match="Pending"):
        changes.connect("bmc").close(held, BEGINS, ENDS, "successful", "Done.")


# --- the signed webhook


def test_an_answer_without_a_signature_counts_for_nothing(changes):
    key = changes.open("webhook")
    changes.act("webhook", key.number, "approve")
    changes.fault("webhook", "unsigned-answer")
    with pytest.raises(ChangeGarbled, match="not proved"):
        changes.connect("webhook").read(key)


def test_a_webhook_with_another_key_is_refused_there(changes):
    key = changes.open("webhook")
    with pytest.raises(ChangeLogin) as caught:
        changes.connect("webhook", signing_key=Secret("not-the-key-of-this-one")).read(key)
    assert caught.value.status == 401
    with pytest.raises(ChangeLogin, match="No signing key"):
        changes.connect("webhook", signing_key=Secret("")).read(key)


def test_both_keys_are_good_while_they_are_changed(changes):
    key = changes.open("webhook")
    old = changes.known["webhook"]["signing_key"]
    new = Secret("the-new-key-of-this-system")
    assert changes.connect("webhook", signing_key=new, former_key=Secret(old)).read(key).gate is Gate.AWAITING
    changes.http("PUT", "/change/webhook/callback", {"keys": new.reveal()})
    try:
        assert changes.connect("webhook", signing_key=new, former_key=Secret(old)).read(key).gate is Gate.AWAITING
        with pytest.raises(ChangeRefused):
            changes.connect("webhook").read(key)
    finally:
        changes.http("PUT", "/change/webhook/callback", {"keys": old})


def test_a_webhook_tells_conflicts(changes):
    key = changes.open("webhook")
    changes.act("webhook", key.number, "conflict", what="Backup runs")
    assert changes.connect("webhook").clashes(key) == ("Backup runs.",)


# --- trust and reach


@pytest.mark.parametrize("kind", KINDS)
def test_a_certificate_of_another_ca_gets_nothing(changes, kind, engine_identity):
    key = changes.open(kind)
    before = len(changes.ledger(kind, "request"))
    with pytest.raises(ChangeUntrusted, match="does not verify"):
        changes.connect(kind, ca=engine_identity.ca_pem).read(key)
    with pytest.raises(ChangeUntrusted):
        changes.connect(kind, ca="").read(key)
    assert len(changes.ledger(kind, "request")) == before


def test_a_pinned_certificate_stands_for_the_ca(changes, tmp_path):
    key = changes.open("jira")
    pem = (changes.alone.folder / "changes.pem").read_text()
    assert changes.connect("jira", ca="", pin=pem).read(key).gate is Gate.AWAITING
    with pytest.raises(ChangeUntrusted):
        changes.connect("jira", ca="", pin=identity(tmp_path).certificate_pem).read(key)
    with pytest.raises(ChangeUntrusted, match="cannot be read"):
        changes.connect("jira", ca="", pin="no certificate").read(key)


def test_nobody_there(changes):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"https://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(ChangeUnreachable, match="nothing listens") as caught:
        changes.connect("jira", url=url).read(ChangeKey("jira", "OPS-1"))
    assert not caught.value.sent


@pytest.mark.parametrize(
    ("kind", "url", "options", "why"),
    [
        ("remedy", "https://x.example", {}, "no kind"),
        ("jira", "http://x.example", {}, "https"),
        ("jira", "https://x.example", {"template": "x"}, "no option"),
        ("servicenow", "https://x.example", {"login": "kerberos"}, "basic or oauth"),
        ("servicenow", "https://x.example", {"login": "oauth", "token_path": "token"}, "token_path"),
        ("jira", "https://x.example", {"pipeline": "a/b"}, "pipeline"),
        ("jira", "https://x.example", {"project": 'OPS" OR 1'}, "project"),
        ("jira", "https://x.example", {"services": "b:core"}, "services need"),
        ("jira", "https://x.example", {"cloud_id": "1"}, "go together"),
        ("jira", "https://x.example", {"cloud_id": "a/b", "client_id": "x"}, "go together"),
        ("jira", "https://x.example", {"gates_at": "http://x.example"}, "https"),
        ("bmc", "https://x.example", {"urgency": "1"}, "urgency"),
        ("bmc", "https://x.example", {"login_path": "/a b"}, "login_path"),
        ("webhook", "https://x.example", {"read_path": "/changes"}, "{number}"),
        ("webhook", "https://x.example", {"post_path": "events"}, "post_path"),
    ],
)
def test_a_setup_that_cannot_be_asked(kind, url, options, why):
    assert why in problem_of(kind, url, options)
    with pytest.raises(ChangeRefused):
        connect(kind, url, "a", Secret("b"), "", **options)


@pytest.mark.parametrize("kind", ["servicenow", "jira", "bmc"])
def test_nobody_is_asked_without_a_secret(kind):
    with pytest.raises(ChangeLogin, match="No secret is set for core"):
        connect(kind, "https://x.example", "a", Secret(""), "", name="core")


@pytest.mark.parametrize("kind", OPTIONS)
def test_a_setup_without_options_is_a_whole_one(kind):
    assert problem_of(kind, "https://x.example", dict.fromkeys(OPTIONS[kind], "")) == ""
