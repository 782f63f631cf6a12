"""The runbook: this estate's commands, in order; nothing made up."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace

import pytest

from backups.kit.act import command, joined, value
from backups.kit.changes import changes
from backups.kit.content import Change, Contact, Delta, Source
from backups.kit.page import page
from backups.kit.runbook import as_text, runbook, unknowns
from backups.services.kit_page import index_html
from tests.backups.kit_scenes import NOW, drifted, empty, full

FULL = full()
NAME = "olvm-prod-20261122T020003-r1842.backup"


def typed(kit):
    return [one.text for stage in runbook(kit) for act in stage.acts for one in act.commands if one.known]


def answers(kit):
    return {one.question: one.answer for stage in runbook(kit) for act in stage.acts for one in act.answers}


def test_the_commands_of_a_known_estate_in_their_order():
    assert typed(FULL) == [
        "timeout 30 hosted-engine --vm-status",
        "hosted-engine --set-maintenance --mode=global",
        "virsh -r list",
        "hosted-engine --vm-shutdown",
        "hosted-engine --vm-poweroff",
        "dnf install ovirt-hosted-engine-setup ovirt-engine-appliance tmux",
        "rpm -q ovirt-hosted-engine-setup ovirt-engine-appliance ovirt-ansible-collection vdsm",
        "grep -rhE '^ovirt-engine-[0-9]' /usr/share/doc/ovirt-engine-appliance",
        "getent hosts olvm-engine.bank.example",
        "install -d -m 0700 /root/recovery",
        f"scp -p dr-store.bank.example:/engine/{NAME}.age /root/recovery/",
        f"echo '{'9f2c' * 16}  /root/recovery/{NAME}.age' | sha256sum -c -",
        'read -r -p "File with the private key: " KEY',
        f'age -d -i "$KEY" -o /root/recovery/{NAME} /root/recovery/{NAME}.age',
        f"chmod 0600 /root/recovery/{NAME}",
        f"echo '{'4be1' * 16}  /root/recovery/{NAME}' | sha256sum -c -",
        "multipath -ll 3600144f0000000000000000000000099",
        "lsblk -b -o NAME,SIZE,FSTYPE /dev/mapper/3600144f0000000000000000000000099",
        "wipefs --no-act /dev/mapper/3600144f0000000000000000000000099",
        "tmux new -s recovery",
        f"hosted-engine --deploy --4 --restore-from-file=/root/recovery/{NAME}",
        "timeout 30 hosted-engine --check-liveliness",
        "timeout 30 hosted-engine --vm-status",
        "engine-config -g DisableFenceAtStartupInSec",
        "virsh -r list",
        "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub",
        "engine-backup --mode=backup --scope=all",
        "hosted-engine --set-maintenance --mode=none",
        "curl -fsS http://olvm-engine.bank.example/ovirt-engine/services/health",
    ]
    assert unknowns(runbook(FULL)) == 0


def test_the_deployments_questions_are_answered():
    found = answers(FULL)
    assert found["Data center"] == "Nairobi"
    assert found["Engine VM address"] == "10.20.0.5/24"
    assert found["NIC for the bridge"] == "bond0"
    assert found["LUN"] == "3600144f0000000000000000000000099"
    assert found["Pause after adding this host"].startswith("Yes: attach ovirtmgmt and ora-pub")
    assert found["Root password"].startswith("from its custody: password safe")


def test_nothing_is_made_up_for_an_estate_that_nobody_knows():
    text = as_text(empty())
    assert (
        unknowns(runbook(empty())) == text.count("Not known: ") - text.count('"Not known:"') - 3
    )  # 3 stand in "Expect"
    for word in ("hosted_storage", "10.", "36", ".backup", "ovirtmgmt", "bond0"):
        assert word not in " ".join(typed(empty())), word
    assert not any("deploy" in one for one in typed(empty()))
    found = answers(empty())
    asked = {"Proceed", "Renew the engine CA", "Pause after adding this host", "Engine VM network", "Storage type"}
    assert {question for question, answer in found.items() if not answer.startswith("Not known: ")} == asked
    assert "! Not known: no archive is proven" in text


def test_a_kit_with_gaps_says_where():
    text = as_text(drifted())
    assert "the target host (not declared: choose one)" in text
    assert "= Engine VM MAC" not in text
    assert "! Engine VM MAC" in text
    assert "DAMAGED" in text
    assert "There is no previous proven archive." in text
    assert "Without a lease: oradb01." in text
    assert "never drilled and timed" in text


def test_lines_fit_the_paper_and_commands_are_whole():
    text = as_text(FULL)
    assert all(
        len(line) <= 100 for line in text.splitlines() if not line.startswith("           #") and NAME not in line
    )
    assert f"           # hosted-engine --deploy --4 --restore-from-file=/root/recovery/{NAME}\n" in text


def test_a_value_from_a_host_is_a_word_and_never_a_command():
    evil = "x; rm -rf / #\n$(reboot)"
    kit = replace(
        FULL,
        engine=replace(FULL.engine, fqdn=evil),
        storage=replace(FULL.storage, spare=replace(FULL.storage.spare, wwid=evil)),
        archives=replace(FULL.archives, latest=replace(FULL.archives.latest, name="../../etc/" + evil)),
    )
    hit = [line for line in typed(kit) if "reboot" in line]
    assert len(hit) > 5
    for line in hit:
        assert "\n" not in line
        assert all("$(reboot)" in part for part in shlex.split(line) if "reboot" in part)
        assert re.search(r"'[^']*\$\(reboot\)[^']*'", line), line  # inside of single quotes


def test_words_are_quoted_once():
    assert command("a", "b c", "|", '"$KEY"').text == "a 'b c' | \"$KEY\""
    missing = value("", "ask")
    assert joined("a", missing) is missing
    assert command("a", missing).text == "Not known: ask"
    assert value(None, "ask") == missing
    assert value(0, "ask") == "0"


def test_estates_of_other_shapes():
    latest = FULL.archives.latest
    plain = replace(latest, encryption="", places=(replace(latest.places[0], where="/x", name=""),), os_version="")
    assert not any("age " in one for one in typed(replace(FULL, archives=replace(FULL.archives, latest=plain))))
    sealed = replace(latest, recipients=(), places=())
    text = as_text(replace(FULL, archives=replace(FULL.archives, latest=sealed)))
    assert "ask who received the private key" in " ".join(text.split())
    port = replace(latest.places[1], where="sftp://backup@dr:2222/e/")
    assert f"scp -p -P 2222 backup@dr:/e/{NAME}.age /root/recovery/" in typed(
        replace(FULL, archives=replace(FULL.archives, latest=replace(latest, places=(port, replace(port, holds=None)))))
    )
    kit = replace(
        FULL, networks=replace(FULL.networks, rows=FULL.networks.rows[:1]), engine=replace(FULL.engine, keycloak=False)
    )
    assert answers(kit)["Pause after adding this host"] == "No"
    assert answers(kit)["Keycloak"] == "No"
    nics = replace(FULL.hosts[1], nics=())
    assert answers(replace(kit, hosts=(FULL.hosts[0], nics)))["NIC for the bridge"] == "bond0"
    newer = replace(FULL.hosts[1], appliance_engine="4.5.4")
    assert "which is too old" in as_text(replace(FULL, hosts=(newer,)))
    assert "below the next minor release." in as_text(replace(FULL, hosts=(replace(newer, appliance_engine=""),)))


def test_changes_since_are_told_and_cut():
    many = tuple(Change("created", "vm", f"vm{n}", str(n)) for n in range(15))
    text = as_text(replace(FULL, delta=Delta(Source(NOW), NOW, many)))
    assert "3 more stand in" in " ".join(text.split())
    assert "nothing changed between the archive" in " ".join(
        as_text(replace(FULL, delta=Delta(Source(NOW), NOW))).split()
    )


def test_two_kits_are_compared_in_sentences():
    assert changes(FULL, FULL) == ()
    assert changes(FULL, replace(FULL, made=NOW + 9, engine=replace(FULL.engine, source=Source(NOW + 9)))) == ()
    found = changes(FULL, drifted())
    assert "Engine: MAC was 00:16:3e:23:18:fd and is now not known." in found
    assert "Host kvm02: host_id was 2 and is now 1." in found
    assert "VM oradb01: lease was core_data and is now none." in found
    assert "Maintenance: global was no and is now yes." in found
    assert any(one.startswith("Host kvm02: hosted-engine.conf was SHA-256") for one in found)
    assert (
        "Archives: previous proven was olvm-prod-20261121T020003-r1831.backup (21 Nov 2026 05:00 EAT) and is now none."
        in found
    )
    found = changes(replace(FULL, hosts=FULL.hosts[:1]), replace(FULL, contacts=(Contact("Vendor", "x", "y"),)))
    assert "Host kvm02 is new." in found
    assert "Contact Storage is no longer there." in found
    assert changes(empty(), FULL)
    assert changes(FULL, empty())


HOSTILE = "<script>alert(1)</script>"


@pytest.mark.parametrize("kit", [full(), empty(), drifted()], ids=["full", "empty", "drifted"])
def test_the_page_stands_alone(kit):
    html = index_html(page(kit, NOW)).decode()
    assert html.startswith("<!DOCTYPE html>")
    for outside in ("<script", 'http-equiv="refresh', "src=", "url(", "@import", "<link"):
        assert outside not in html, outside
    assert html.count("<h1>") == 1
    for row in page(kit, NOW).readiness:
        assert f"#{row.line.outcome}" in html


def test_the_page_shows_every_line_and_what_is_not_known():
    html = index_html(page(empty(), NOW)).decode()
    assert "No spare LUN is reserved" in html
    assert 'class="blank">Not known' in html
    assert "27 values of the runbook are not known." in html
    full_page = index_html(page(FULL, NOW, key="ab" * 32, changes=("Host kvm02 is new.",))).decode()
    assert "Every value of the runbook is known." in full_page
    assert "ab" * 32 in full_page
    assert "Host kvm02 is new." in full_page
    assert "not signed" in html


def test_a_hostile_name_stays_text():
    kit = replace(
        FULL,
        estate='x"; } ' + HOSTILE + "\\",
        hosts=(replace(FULL.hosts[0], name=HOSTILE, fqdn=HOSTILE),),
        engine=replace(FULL.engine, fqdn=HOSTILE, mac=HOSTILE, prefix=None, vlan=None, keycloak=None),
        storage=replace(FULL.storage, spare=replace(FULL.storage.spare, array="")),
        maintenance=replace(FULL.maintenance, source=Source()),
        drill=replace(FULL.drill, minutes=None),
        archives=replace(FULL.archives, latest=replace(FULL.archives.latest, encryption="")),
    )
    html = index_html(page(kit, NOW)).decode()
    assert "<script" not in html
    style = html[html.index("<style>") : html.index("</style>")]
    assert "alert(1)" not in style
    assert style.count("{") == style.count("}")
