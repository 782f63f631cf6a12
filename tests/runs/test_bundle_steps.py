"""The steps of the support bundle: what is seen goes in, a sentence and an exact argv come out."""

from __future__ import annotations

import pytest

from inventory.plans import SUPPORT_BUNDLE
from inventory.steps import bundle_clean_up, bundle_collect, bundle_fetch, bundle_folder
from portal.kernel.output import Output
from portal.kernel.plan import ParametersRefused
from portal.kernel.step import Fetch
from portal.kernel.verdict import Word

P = {"run": "r-1", "log_lines": 500}
SHA = "a" * 64
DF = b"Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/mapper/ol-root 52403200 %d %d 40%% /\n"


def out(text: bytes = b"", code: int | None = 0, err: bytes = b"") -> Output:
    return Output(text, err, code)


def folder(word: bytes, free: int = 9_000_000, space: bytes | None = None):
    return {"folder": out(word + b"\n"), "space": out(DF % (1, free) if space is None else space)}


@pytest.mark.parametrize(
    ("seen", "word", "words"),
    [
        (folder(b"absent"), Word.GO, "The home has 8789 MB free."),
        (folder(b"absent", 1024), Word.FAILED, "The home has 1 MB free; a bundle may need 200 MB: free some."),
        (folder(b""), Word.WAIT, "The home of the login account could not be looked at."),
        (folder(b"absent", space=b""), Word.WAIT, "The free space in the home of the login account could not be read."),
        (folder(b"absent", space=b"x\nmy disk 5 - - 1% /"), Word.WAIT, "The free space in the home"),
    ],
)
def test_the_folder_is_ready_or_not(seen, word, words):
    verdict = bundle_folder.STEP.ready(seen, P)
    assert verdict.word is word
    assert verdict.sentence.startswith(words)


def test_the_folder_is_made_and_removed():
    step = bundle_folder.STEP
    assert [command.argv for command in step.act(P)] == [("mkdir", "-m", "700", ".holdfast/bundle-r-1")]
    assert [command.argv for command in step.undo(P)] == [("rm", "-rf", ".holdfast/bundle-r-1")]
    assert step.settled(folder(b"there"), P).word is Word.DONE
    assert step.settled(folder(b"absent"), P).word is Word.WAIT
    assert set(step.looks(P)) == {"folder", "space"}


@pytest.mark.parametrize(
    ("seen", "word", "words"),
    [
        ({"digest": out(SHA.encode() + b"\n")}, Word.DONE, f"The bundle is gathered; its SHA-256 is {SHA}."),
        ({"digest": out()}, Word.WAIT, "Gathering the bundle has not ended."),
        (
            {"digest": out(), "act": out(code=1, err=b"full")},
            Word.FAILED,
            "Gathering the bundle ended with exit code 1: full",
        ),
        (
            {"digest": out(), "act": out()},
            Word.FAILED,
            "Gathering the bundle ended with exit code 0 and left no bundle",
        ),
        ({"digest": out(b"\xff" * 64)}, Word.WAIT, "Gathering the bundle has not ended."),
        ({"digest": out(SHA[:40].encode())}, Word.WAIT, "Gathering the bundle has not ended."),
    ],
)
def test_what_was_gathered(seen, word, words):
    verdict = bundle_collect.STEP.settled(seen, P)
    assert verdict.word is word
    assert verdict.sentence.startswith(words)


def test_gathering_runs_each_command_with_its_own_timeout():
    (command,) = bundle_collect.STEP.act(P)
    assert command.argv[:2] == ("sh", "-c")
    assert command.argv[4:] == (".holdfast/bundle-r-1",)
    text = command.argv[2]
    assert "\ng vm-status.txt hosted-engine --vm-status\n" in text
    assert "\ng agent.log tail -n 500 /var/log/ovirt-hosted-engine-ha/agent.log\n" in text
    assert "nice -n 19 timeout -k 5 30" in text
    assert 'echo "${s%% *}"' in text
    assert bundle_collect.STEP.ready({"digest": out()}, P).word is Word.GO
    assert bundle_collect.STEP.ready({"digest": out(code=None)}, P).word is Word.WAIT
    (undo,) = bundle_collect.STEP.undo(P)
    assert undo.argv[:2] == ("rm", "-rf")
    assert all(name.startswith(".holdfast/bundle-r-1/") for name in undo.argv[2:])


@pytest.mark.parametrize(
    ("there", "here", "word", "words"),
    [
        (SHA, "", Word.WAIT, "The bundle is not in the vault yet."),
        ("", SHA, Word.WAIT, "The host does not say which SHA-256 the bundle has."),
        (SHA, "b" * 64, Word.FAILED, f"The bundle in the vault has the SHA-256 {'b' * 64}, on the host it has {SHA}"),
        (SHA, SHA, Word.DONE, f"The bundle is in the vault; both sides have the SHA-256 {SHA}."),
    ],
)
def test_both_sides_must_have_one_digest(there, here, word, words):
    seen = {"digest": out(there.encode()), "kept": out(here.encode(), 0 if here else 1)}
    verdict = bundle_fetch.STEP.settled(seen, P)
    assert verdict.word is word
    assert verdict.sentence.startswith(words)


def test_the_copy_is_fetched_once_its_digest_is_known():
    step = bundle_fetch.STEP
    assert step.act(P) == (Fetch(".holdfast/bundle-r-1/bundle.tar.gz", "bundle.tar.gz"),)
    assert step.ready({"digest": out(SHA.encode())}, P).word is Word.GO
    assert step.ready({"digest": out()}, P).word is Word.WAIT
    assert set(step.looks(P)) == {"digest", "kept"}


def test_the_folder_is_removed_at_the_end():
    step = bundle_clean_up.STEP
    assert [command.argv for command in step.act(P)] == [("rm", "-rf", ".holdfast/bundle-r-1")]
    assert step.settled({"folder": out(b"absent\n")}, P).word is Word.DONE
    assert step.settled({"folder": out(b"there\n")}, P).word is Word.WAIT
    assert step.settled({"folder": out(code=None)}, P).word is Word.WAIT
    assert set(step.looks(P)) == {"folder"}
    assert bundle_collect.STEP.looks(P).keys() == {"digest"}


def test_the_plan_takes_a_number_of_lines():
    assert SUPPORT_BUNDLE.checked({}) == {"log_lines": 5_000}
    with pytest.raises(ParametersRefused, match="it must be 100 to 200000"):
        SUPPORT_BUNDLE.checked({"log_lines": 5})
