"""Steps that act on different targets of one Run: each looks, acts, is undone and tidied up on its own."""

from __future__ import annotations

import pytest

from portal.kernel.command import Command
from portal.kernel.output import LookFailed
from portal.kernel.step import On
from portal.kernel.verdict import done, failed, wait
from portal.runs import ports
from tests.fixtures_runs import LocalHost, drive, mark, states

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.wire]
OTHER: list[LocalHost] = []


class Silent(LocalHost):
    def look(self, target, commands):
        raise LookFailed("kvm2 does not answer.")


def other():
    return OTHER[-1]


@pytest.fixture
def second(tmp_path, host, settings):
    """Targets "engine:<n>" are a folder of their own."""
    home = tmp_path / "second"
    home.mkdir()
    OTHER.append(LocalHost(home))
    settings.HOLDFAST_SHELLS = {**settings.HOLDFAST_SHELLS, "engine": f"{__name__}.other"}
    ports._shell.cache_clear()
    yield OTHER[-1]
    OTHER.pop()


def there(name, **fields):
    return mark(name, where=lambda parameters: "engine:1", **fields)


def test_each_step_acts_where_it_says(begin, host, second):
    run = drive(begin(mark("here"), there("there")), 12)
    assert (run.status, states(run)) == ("succeeded", ["done", "done"])
    assert (host.ledger(), second.ledger()) == (["here"], ["there"])
    assert [row.place for row in run.steps.order_by("position")] == ["", "engine:1"]
    assert not (host.home / ".holdfast").exists()
    assert not (second.home / ".holdfast").exists()


def test_undos_walk_back_over_both(begin, host, second):
    run = drive(begin(mark("here"), there("there"), there("bad", code=1)), 20)
    assert run.status == "rolled_back", run.sentence
    assert host.ledger() == ["here", "undo-here"]
    assert second.ledger() == ["there", "bad", "undo-bad", "undo-there"]


def test_a_step_sees_another_target_and_that_it_is_silent(begin, host, second):
    def settled(seen, parameters):
        peer = seen["peer"]
        if peer.exit_code is None:
            return failed(f"Not seen: {peer.error_line()}")
        return done("Seen.") if peer.stdout.strip() == b"two" else wait("Not yet.")

    (second.home / "name").write_text("two\n")
    looks = lambda parameters: {"peer": On("engine:1", Command(("cat", "name")))}  # noqa: E731
    run = drive(begin(mark("a", looks=looks, settled=settled, act=lambda parameters: ())), 8)
    assert (run.status, run.steps.get().sentence) == ("succeeded", "Seen.")
    OTHER.append(Silent(second.home))
    ports._shell.cache_clear()
    run = drive(begin(mark("a", looks=looks, settled=settled, act=lambda parameters: ())), 8)
    assert "kvm2 does not answer" in run.sentence
    OTHER.pop()
