"""The sudoers file: every command that Holdfast runs as root, and nothing else."""

from __future__ import annotations

import io
import random
import re
import shlex
import shutil
import subprocess
import uuid

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from backups.kit import commands as kit
from backups.models import Policy
from backups.services import take
from failover.catalog import modes, release
from inventory.models import Engine, Site
from inventory.probes import PROBES
from portal.kernel.collector import sudo_line
from portal.kernel.command import Command
from portal.kernel.sudoers import LINE_FEED, Varies, allowed
from portal.runs import as_root, hostside
from portal.runs.registry import plans

pytestmark = pytest.mark.django_db
MARK = "ops ALL=(root) NOPASSWD: "


def printed(*words):
    out = io.StringIO()
    call_command("sudoers", *words, stdout=out)
    return out.getvalue().splitlines()


def rules(*words):
    return [line.removeprefix(MARK) for line in printed("ops", *words) if line.startswith(MARK)]


def matches(rule):
    """A rule as sudo reads it: the lexer's escapes first (toke.l, GOTCMND), then fnmatch(3) without flags."""
    text = re.sub(r"\\([\\:,= #])", r"\1", re.sub(r"(?<![\\ ]) +(?! )", " ", rule))
    out = ""
    for token in re.findall(r"\\.|\[\^?(?:\[:\w+:\]|[^\]])*\]|.", text, re.DOTALL):
        if token.startswith("["):
            out += token.replace("[:cntrl:]", r"\x00-\x1f\x7f")
        else:
            out += {"*": ".*", "?": "."}.get(token) or re.escape(token[-1])
    return re.compile(out, re.DOTALL)


def words_of(command):
    return "/usr/bin/" + " ".join(shlex.split(sudo_line(command)))


@pytest.fixture
def policies(db):
    site = Site.objects.create(name="Kigali")
    engine = Engine.objects.create(site=site, name="engine01", url="https://engine.example/ovirt-engine/api")
    given = {"engine": engine, "decided_to": timezone.now()}
    first = Policy.objects.create(name="nightly", **given)
    odd = {"directory": "/srv/b.k_p", "tmp_directory": "/var/t", "scope": ["db", "files"], "timeout": 86_400}
    return [first, Policy.objects.create(name="odd", engine_keep=0, **odd, **given)]


def test_every_root_command_of_every_look_is_allowed_word_for_word_and_no_other():
    found = rules("--looks")
    said = [words_of(one) for probe in PROBES.values() for one in probe.commands.values() if one.root]
    assert len(found) == len(set(said))
    assert all(matches(rule).fullmatch(word) for rule, word in zip(found, dict.fromkeys(said), strict=True))
    assert not any(re.search(r"(?<!\\)[*?]", rule) for rule in found), "nothing is open in them"
    assert "/usr/bin/timeout -k 2 15 hosted-engine --vm-status --json" in found


def given(rng, policies):
    """Parameters as people and the portal give them, drawn anew each time."""
    paths = [":".join(str(rng.randrange(60)) for _ in range(4)) for _ in range(rng.randrange(1, 40))]
    policy = rng.choice(policies)
    name = f"{timezone.now():%Y}{rng.randrange(10**4):04d}T{rng.randrange(10**6):06d}"
    return {
        **take.parameters(policy, name), "hosts": "31:a:1,7:b.c:2", "on": rng.choice([31, 7]), "to": 7,
        "how": rng.choice(["person", "fence"]), "fabric": "B", "paths": ",".join(dict.fromkeys(paths)),
        "watch_seconds": 5, "questions": "Who?", "scope": rng.choice(modes.SCOPES), "lag": 20,
        "release_after": rng.choice([1, 61, 3600, 86_400, 1_209_600, rng.randrange(1, 1_209_600)]),
        "release": release.unit(str(uuid.UUID(int=rng.getrandbits(128)))), "armed_on": rng.choice([31, 7]),
        "deadline": "2027-01-01T00:00:00+00:00", "window": 4, "log_lines": 500,
    }, policy  # fmt: skip


@pytest.mark.parametrize("seed", range(8))
def test_every_root_command_that_a_registered_plan_can_produce_is_allowed(policies, seed):
    known = [matches(rule) for rule in rules()]
    rng, seen = random.Random(seed), 0
    for name, plan in plans().items():
        drawn, policy = given(rng, policies)
        if name == "backup_take":  # the scope of engine-backup, not of a maintenance
            drawn = {**drawn, "scope": ",".join(policy.scope)}
        own = {parameter.name for parameter in plan.parameters}
        drawn = {key: value for key, value in drawn.items() if key in own}
        parameters = {**drawn, "run": str(uuid.UUID(int=rng.getrandbits(128))), "target": "she:3"}
        for step in plan.steps:
            for command in as_root.of_step(step, parameters):
                if command.root:
                    seen += 1
                    said = words_of(command)
                    assert any(one.fullmatch(said) for one in known), f"{name}, {step.name}: {said[:300]}"
    assert seen > 50


def test_what_works_ask_as_root_is_allowed(policies):
    known = [matches(rule) for rule in rules()]
    asked = [*kit.HOST.values(), *kit.ENGINE.values()]
    place = "/srv/b.k_p"
    asked += [Command(("stat", "-c", "%s", f"{place}/holdfast-20261125T101112.backup"), root=True)]
    asked += [Command(("tail", "-c", "200000", f"{place}/holdfast-20261125T101112.verify.log"), root=True)]
    asked += [Command(("ls", "-1", place), root=True)]
    assert [one for one in asked if one.root and not any(rule.fullmatch(words_of(one)) for rule in known)] == []


HOSTILE = (
    ("systemctl", "stop", "ovirt-ha-agent", "vdsmd"),
    ("systemctl", "stop", "vdsmd"),
    ("hosted-engine", "--set-maintenance", "--mode=none", "--force"),
    ("hosted-engine", "--reinitialize-lockspace", "--force"),
    ("sh", "-c", "id"),
    ("rm", "-rf", "/"),
    ("rm", "-rf", "/tmp/holdfast-20261125T101112.verify.tmp", "/etc"),
    ("cat", "/etc/shadow"),
    ("ls", "-1", "/root"),
)


@pytest.mark.parametrize("argv", HOSTILE)
def test_nothing_else_is_allowed(policies, argv):
    known = [matches(rule) for rule in rules()]
    for timeout in (10, 20, 60, 120):
        said = words_of(Command(argv, timeout=timeout, root=True))
        assert not any(one.fullmatch(said) for one in known)


def test_a_varying_part_lets_no_further_words_in(policies):
    known = [matches(rule) for rule in rules()]
    run = str(uuid.uuid4())
    good = words_of(release.arm(release.unit(run), 600, "global", 20))
    assert any(one.fullmatch(good) for one in known)
    for bad in (
        good.replace(" 600 ", " 600 /bin/sh -c id "),
        good.replace(run, f"{run} x"),
        good.replace(run, "../.."),
    ):
        assert not any(one.fullmatch(bad) for one in known)
    stars = [rule for rule in rules() if re.search(r"(?<!\\)\*", rule)]
    assert {rule[-7:] for rule in stars} == {" [0-9]*"}, "a * stands at the end only"
    assert len(stars) == 4, "two words for paths, two signals"


def test_the_script_behind_the_open_end_refuses_what_is_no_address(policies):
    from failover.steps import offline_paths

    command = offline_paths.set_to("offline", {"paths": "1:2:3:4"})[0]
    for odd in ("../../../etc", "1:2:3:4 x", "", "a:b"):
        ended = subprocess.run([*command.argv, odd], capture_output=True, text=True, timeout=20, check=False)
        assert ended.returncode == 2
        assert "no SCSI address" in ended.stderr


def test_an_abort_may_end_what_it_started():
    assert hostside.STOP.count("sudo") == 1, "its one use of sudo is the kill that the file names"
    assert re.findall(r"(?:^|&& )k ([A-Z]+)", hostside.STOP, re.MULTILINE) == list(as_root.STOPS)
    known = [matches(rule) for rule in rules()]
    for signal in as_root.STOPS:
        assert any(one.fullmatch(f"/usr/bin/kill -{signal} 4711 4712") for one in known)


def test_the_file_says_what_varies_and_what_acts(policies):
    text = "\n".join(printed("ops"))
    assert "# Maintenance." in text
    assert f"# Backups by odd of {policies[1].engine}." in text
    assert "# Varies: seconds until the release." in text
    assert len(rules()) == len(set(rules())), "each line once"


@pytest.mark.skipif(not shutil.which("visudo"), reason="no visudo here")
def test_visudo_takes_the_file(policies, tmp_path):
    path = tmp_path / "holdfast"
    path.write_text("\n".join(printed("ops")) + "\n")
    path.chmod(0o440)
    ended = subprocess.run(["visudo", "-c", "-s", "-f", path], capture_output=True, text=True, timeout=20, check=False)
    assert ended.returncode == 0, ended.stderr


def test_no_terminal_is_asked_for():
    assert "Defaults:holdfast !requiretty" in printed()


def test_signs_of_sudoers_are_escaped_and_widen_nothing():
    rule = allowed(Command(("grep", "-E", r"^host_id=[1-9]*,\?:!", "a b  c#\n"), root=True))
    assert rule.endswith(r" grep -E \^host_id\=\[1-9\]\*\,\\\\\?\:\! a b \ c\#" + LINE_FEED)
    assert matches(rule).fullmatch("/usr/bin/timeout -k 2 20 grep -E ^host_id=[1-9]*,\\?:! a b  c#\n")
    assert not matches(rule).fullmatch("/usr/bin/timeout -k 2 20 grep -E ^host_id=[1-9]*,\\x:! a b  c#\n")


def test_a_pattern_that_would_let_any_words_in_is_refused():
    with pytest.raises(ValueError, match="any words"):
        allowed(Command(("echo", "7", "8"), root=True), (Varies("7", "[0-9]*", "a number", whole=True),))
    with pytest.raises(ValueError, match="ASCII"):
        allowed(Command(("echo", "é"), root=True))


@pytest.mark.parametrize("account", ["root, ALL", "", "Ops", "a\nb", "x" * 40])
def test_what_is_no_account_name_is_refused(account):
    with pytest.raises(CommandError, match="no account name"):
        printed(account)


def test_looks_by_one_script_need_one_line_and_no_argument():
    assert rules("--looks", "--by-script") == ['/usr/local/sbin/holdfast-look ""']
    text = "\n".join(printed("--script"))
    wanted = [one for probe in PROBES.values() for one in probe.commands.values() if one.root]
    assert wanted
    assert all(f"exec {sudo_line(one)} ;;" in text for one in wanted)
    assert text.count(" ;;") == len({sudo_line(one) for one in wanted})
    done = subprocess.run(["/bin/sh", "-n"], input=text.encode(), capture_output=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_acts_keep_their_own_lines_beside_the_script():
    found = rules("--by-script")
    assert found[0] == '/usr/local/sbin/holdfast-look ""'
    assert len(found) > 1
