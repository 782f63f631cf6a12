"""The support bundle over a real sshd: what is gathered, what is left behind, and what a broken host gets."""

from __future__ import annotations

import hashlib
import tarfile
from pathlib import Path

import pytest

from portal.evidence.models import Record
from portal.runs import services
from portal.runs.models import RunLine
from tests.fixtures_runs import drive, states

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.wire]

SHIM = """#!/bin/sh
printf '%s\\n' "$0 $*" | sed 's|.*/bin/||' >>"$HOME/shims"
"""


def shim(gated, name: str, text: str) -> None:
    path = gated.folder / "bin" / name
    path.write_text(SHIM + text)
    path.chmod(0o755)


@pytest.fixture
def run(kvm, gated):
    shim(gated, "nice", 'shift 2; exec "$@"')
    shim(gated, "hosted-engine", 'echo "--== Host kvm01 (id: 1) status ==--"')
    shim(gated, "multipath", "echo no paths >&2; exit 1")
    shim(gated, "systemctl", "echo ovirt-ha-agent is active")
    shim(gated, "rpm", "echo vdsm-4.50")
    return services.start("support_bundle", {"log_lines": 100}, f"host:{kvm.pk}", "anna")


def bundle(run, settings) -> Path:
    return Path(settings.HOLDFAST_VAULT) / str(run.ref) / "bundle.tar.gz"


def test_it_gathers_fetches_and_leaves_nothing_behind(run, gated, settings):
    drive(run, 3)
    assert (run.status, states(run)) == ("succeeded", ["done"] * 4), run.sentence
    with tarfile.open(bundle(run, settings)) as tar:
        names = {Path(member.name).name for member in tar.getmembers()}
        status = tar.extractfile("./vm-status.txt").read()
    assert status == b"--== Host kvm01 (id: 1) status ==--\n"
    assert {"vm-status.json", "multipath.txt", "multipath.txt.err", "units.txt", "agent.log", "release.txt"} <= names
    digest = hashlib.sha256(bundle(run, settings).read_bytes()).hexdigest()
    assert run.steps.get(position=3).sentence == f"The bundle is in the vault; both sides have the SHA-256 {digest}."
    assert not (gated.folder / ".holdfast").exists()
    lines = list(RunLine.objects.filter(run=run, source="host").values_list("text", flat=True))
    assert "multipath.txt: exit code 1, 0 bytes" in lines
    assert "vm-status.txt: exit code 0, 36 bytes" in lines
    assert bundle(run, settings).parent.stat().st_mode & 0o077 == 0
    text = str(list(Record.objects.filter(kind="run.step_intent").values_list("body", flat=True)))
    assert "agent.log" in text
    for name in ("hosted-engine.conf", "answers", "broker.conf", "engine.conf"):
        assert name not in text


def test_a_copy_that_differs_is_not_kept_as_good(run, gated, settings):
    """The file changes on the host after its digest was written."""
    shim(gated, "sha256sum", '/usr/bin/sha256sum "$@"; echo more >>"$1"')
    drive(run, 3)
    assert run.status == "rolled_back"
    assert "do not use it" in run.sentence
    assert states(run) == ["undone", "undone", "failed", "skipped"]
    assert not (gated.folder / f".holdfast/bundle-{run.ref}").exists()


def test_a_full_home_is_said_before_anything_is_done(run, gated):
    shim(gated, "df", "echo Filesystem; echo 'my disk/dev/sda1 100 90 10 90% /'")
    drive(run)
    assert run.status == "failed"
    assert "The home has 0 MB free" in run.sentence
    assert states(run) == ["failed", "skipped", "skipped", "skipped"]
    assert not (gated.folder / ".holdfast").exists()


def test_a_bundle_that_cannot_be_packed_is_explained_and_undone(run, gated):
    shim(gated, "tar", "echo 'tar: write error: No space left on device' >&2; exit 2")
    drive(run, 2)
    assert run.status == "rolled_back"
    assert "Gathering the bundle ended with exit code 1: tar: write error: No space left on device" in run.sentence
    assert not (gated.folder / f".holdfast/bundle-{run.ref}").exists()


def test_a_host_that_is_gone_costs_patience_and_says_so(run, gated, monkeypatch):
    from inventory.steps import bundle_folder
    from portal.runs import registry

    plan = registry.plan_named("support_bundle")
    first = type(plan.steps[0])(**{**vars(bundle_folder.STEP), "patience": 1})
    quick = type(plan)(**{**vars(plan), "steps": (first, *plan.steps[1:])})
    monkeypatch.setattr(registry, "plans", lambda: {"support_bundle": quick})
    services.abort(run.pk, "bert")
    other = services.start("support_bundle", {}, run.target, "bert")
    gated.server.stop()
    drive(other)
    gated.server.start()
    assert other.status == "failed"
    assert "kvm01" in other.sentence
    assert "Patience ended after 1 s." in other.sentence
