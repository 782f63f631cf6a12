"""The collector script, run by the real shells of this machine, and its reader."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.kernel import collector
from portal.kernel.command import Command
from portal.kernel.output import Output, ParseError

NONCE = "0123456789abcdef" * 2
SHELLS = [
    words
    for words in (("dash",), ("bash",), ("bash", "--posix"), ("busybox", "sh"), ("ksh",), ("mksh",))
    if shutil.which(words[0])
]


def sh(text: str, **options: object) -> Command:
    return Command(("sh", "-c", text), **options)  # type: ignore[arg-type]


def shout(shell, commands, env=None, sudo=False):
    """What the script prints: both streams."""
    text = collector.script(commands, NONCE, sudo)
    return subprocess.run([*shell, "-c", text], check=False, capture_output=True, timeout=60, env=env)


def play(shell, commands, env=None, sudo=False):
    done = shout(shell, commands, env, sudo)
    return collector.read(done.stdout, done.stderr, NONCE, commands)


@pytest.fixture(params=SHELLS, ids=" ".join)
def shell(request):
    return request.param


def octal(content: bytes) -> str:
    return "".join(f"\\{byte:03o}" for byte in content)


@pytest.mark.parametrize("shell", [("dash",), ("bash",)], ids=" ".join)
@settings(max_examples=15, deadline=None)
@given(
    sections=st.lists(
        st.tuples(st.binary(max_size=200), st.binary(max_size=60), st.integers(0, 255)), min_size=1, max_size=4
    )
)
def test_any_output_is_read_back_byte_for_byte(shell, sections):
    commands = {
        f"s{n}": sh(f"printf '{octal(out)}'; printf '{octal(err)}' >&2; exit {code}")
        for n, (out, err, code) in enumerate(sections)
    }
    outputs = play(shell, commands)
    assert [(o.stdout, o.stderr, o.exit_code, o.truncated) for o in outputs.values()] == [
        (out, err, code, False) for out, err, code in sections
    ]


def test_output_that_looks_like_a_marker_is_output(shell):
    other = "f" * 32
    text = f"@@{other} 1 0 5\n\n@@{other} end 0 5\n@@NONCE 1 0 1\n"
    outputs = play(shell, {"a": sh(f"printf '%s' '{text}'"), "b": sh("echo after")})
    assert outputs["a"].stdout.decode() == text
    assert outputs["b"].stdout == b"after\n"


def test_a_command_that_prints_the_scripts_own_text_prints_no_marker(shell):
    """ps and /proc/*/cmdline show the script with its nonce to the commands that it runs."""
    up = "p=$$; while [ $p -gt 1 ]; do tr '\\0' '\\n' </proc/$p/cmdline; p=$(awk '{print $4}' /proc/$p/stat); done"
    outputs = play(shell, {"a": sh(up), "b": sh("echo after; exit 7")})
    assert NONCE.encode() in outputs["a"].stdout
    assert outputs["a"].exit_code is not None
    assert (outputs["b"].stdout, outputs["b"].exit_code) == (b"after\n", 7)


def test_exit_codes(shell):
    commands = {
        "ok": Command(("true",)),
        "one": Command(("false",)),
        "missing": Command(("no-such-tool-anywhere",)),
        "not_a_program": Command(("/",)),
        "segfault": sh("kill -SEGV $$"),
        "killed": sh("kill -9 $$"),
        "late": Command(("sleep", "30"), timeout=1),
        "stubborn": sh("trap '' TERM; while :; do sleep 1; done", timeout=0.5),
        "after": sh("exit 9"),
    }
    outputs = play(shell, commands)
    codes = {name: output.exit_code for name, output in outputs.items()}
    assert codes == {
        "ok": 0,
        "one": 1,
        "missing": 127,
        "not_a_program": 126,
        "segfault": 139,
        "killed": 137,
        "late": 124,
        "stubborn": 137,
        "after": 9,
    }
    assert outputs["late"].timed_out
    assert 0.9 <= outputs["late"].took < 3


def test_output_over_the_cap_is_cut_and_the_command_ends(shell, tmp_path):
    mark = tmp_path / "pid"
    commands = {
        "out": sh(f"echo $$ >{mark}; while echo yyyyyyyyyyyyyyyy; do :; done", cap=10_000),
        "err": sh("while echo eeee >&2; do :; done", cap=500),
        "exact": sh("printf 12345", cap=5),
        "whole": sh("printf 123456; exit 3", cap=5),
    }
    began = time.monotonic()
    outputs = play(shell, commands)
    assert time.monotonic() - began < 10
    assert len(outputs["out"].stdout) == 10_000
    assert outputs["out"].truncated
    assert not Path(f"/proc/{mark.read_text().strip()}").exists()
    assert (len(outputs["err"].stderr), outputs["err"].truncated) == (500, True)
    assert outputs["exact"] == Output(b"12345", b"", 0, outputs["exact"].took, False)
    assert (outputs["whole"].stdout, outputs["whole"].exit_code, outputs["whole"].truncated) == (b"12345", 3, True)
    with pytest.raises(ParseError, match="cut at its size limit"):
        outputs["out"].text()


def test_a_megabyte_on_both_streams_at_once_does_not_block(shell):
    both = "head -c 1000000 /dev/zero & head -c 1000000 /dev/zero >&2; wait"
    output = play(shell, {"both": sh(both)})["both"]
    assert (len(output.stdout), len(output.stderr), output.exit_code) == (1_000_000, 1_000_000, 0)


def test_commands_get_no_input_and_the_c_locale(shell):
    env = {**os.environ, "LC_ALL": "de_DE.UTF-8", "LANG": "de_DE.UTF-8"}
    outputs = play(shell, {"in": Command(("cat",)), "locale": sh("echo $LC_ALL"), "path": sh("echo $PATH")}, env=env)
    assert (outputs["in"].stdout, outputs["in"].exit_code) == (b"", 0)
    assert outputs["locale"].stdout == b"C\n"
    assert outputs["path"].stdout.endswith(b":/usr/sbin:/sbin\n")


def test_words_are_quoted(shell):
    words = ("a b", "$HOME", "`id`", "'", '"', "\\n", "*", "", "ü", "-n", "x\ny")
    output = play(shell, {"a": Command(("printf", "[%s]", *words))})["a"]
    assert output.stdout.decode() == "".join(f"[{word}]" for word in words)


def host_with(folder: Path, *tools: str) -> dict[str, str]:
    """An environment whose PATH has only these tools. The script adds the sbin folders; none of these live there."""
    folder.mkdir()
    for tool in tools:
        (folder / tool).symlink_to(shutil.which(tool) or tool)
    return {"PATH": str(folder)}


@pytest.mark.parametrize("shell", [("dash",), ("bash",)], ids=" ".join)
def test_a_host_without_timeout_or_head_still_answers(shell, tmp_path):
    path = (shutil.which(shell[0]), *shell[1:])
    commands = {"a": sh("echo out; echo err >&2; exit 3"), "b": Command(("true",))}
    bare = play(path, commands, env=host_with(tmp_path / "bare", "sh", "true", "cat", "env"))
    assert (bare["a"].stdout, bare["a"].stderr, bare["a"].exit_code) == (b"out\n", b"err\n", 3)
    assert bare["b"].exit_code == 0
    head = play(path, {"a": sh("echo 123456", cap=3)}, env=host_with(tmp_path / "head", "sh", "env", "head"))
    assert (head["a"].stdout, head["a"].truncated) == (b"123", True)


@pytest.mark.parametrize("shell", [("dash",), ("bash",)], ids=" ".join)
def test_an_old_timeout_without_k_is_used(shell, tmp_path):
    env = host_with(tmp_path / "old", "sh", "true", "sleep", "head")
    old = tmp_path / "old" / "timeout"
    old.write_text(f'#!/bin/sh\n[ "$1" = -k ] && exit 125\nexec {shutil.which("timeout")} "$@"\n')
    old.chmod(0o755)
    outputs = play((shutil.which(shell[0]),), {"late": Command(("sleep", "9"), timeout=1), "ok": sh("exit 4")}, env=env)
    assert (outputs["late"].exit_code, outputs["ok"].exit_code) == (124, 4)


@pytest.mark.parametrize("shell", [("dash",), ("bash",)], ids=" ".join)
def test_a_single_command_has_its_own_stdin_deadline_and_code(shell, tmp_path):
    path = shutil.which(shell[0])

    def run(command, env=None):
        text = collector.single(command, sudo=False)
        return subprocess.run([path, "-c", text], check=False, capture_output=True, input=b"in", env=env, timeout=20)

    envs = [
        None,
        host_with(tmp_path / "k", "sh", "true", "cat", "sleep", "timeout"),
        host_with(tmp_path / "none", "sh", "cat", "env"),
    ]
    for env in envs:
        done = run(sh("cat; echo e >&2; exit 5"), env)
        assert (done.stdout, done.stderr, done.returncode) == (b"in", b"e\n", 5)
    assert [run(Command(("sleep", "9"), timeout=1), env).returncode for env in envs[:2]] == [124, 124]


def test_root_commands_go_through_sudo_only_for_other_accounts():
    commands = {"root": Command(("multipath", "-ll"), timeout=10, root=True), "user": Command(("id",))}
    as_user = collector.script(commands, NONCE, sudo=True).splitlines()
    as_root = collector.script(commands, NONCE, sudo=False).splitlines()
    assert [line for line in as_user if line.startswith("c ")] == [
        f"c 4000001 r {collector.look_key(commands['root'])} 10 multipath -ll",
        "c 4000001 t 20 id",
    ]
    assert [line for line in as_root if line.startswith("c ")] == [
        "c 4000001 t 10 multipath -ll",
        "c 4000001 t 20 id",
    ]
    assert collector.sudo_line(commands["root"]) == "timeout -k 2 10 multipath -ll"
    assert "sudo -n timeout -k 2 10 multipath -ll\n" in collector.single(commands["root"], sudo=True)
    assert "sudo" not in collector.single(commands["root"], sudo=False)


def test_sudo_is_called_with_the_line_that_sudoers_allows(tmp_path):
    env = host_with(tmp_path / "bin", "sh", "timeout", "head", "env", "true")
    fake = tmp_path / "bin" / "sudo"
    fake.write_text('#!/bin/sh\necho "sudo $*"\n')
    fake.chmod(0o755)
    command = Command(("multipath", "-ll"), timeout=10, root=True)
    output = play((shutil.which("dash"),), {"a": command}, env, sudo=True)["a"]
    assert output.stdout.decode().strip() == f"sudo -n {collector.sudo_line(command)}"


def host_with_look_script(tmp_path, commands):
    """A host whose sudo runs what it is given and that has the look script: (environment, path of the script)."""
    env = host_with(tmp_path / "bin", "sh", "timeout", "head", "env", "true", "echo")
    sudo = tmp_path / "bin" / "sudo"
    sudo.write_text('#!/bin/sh\nshift\nexec "$@"\n')
    installed = tmp_path / "holdfast-look"
    bin_first = f"PATH={tmp_path / 'bin'} LC_ALL=C"
    installed.write_text(
        collector.look_script(commands).replace("PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C", bin_first)
    )
    for path in (sudo, installed):
        path.chmod(0o755)
    return env, installed


def test_one_script_without_arguments_runs_every_root_command_of_looks(tmp_path):
    known = {"a": Command(("echo", "it's", "$HOME"), root=True), "b": Command(("sh", "-c", "exit 7"), root=True)}
    env, installed = host_with_look_script(tmp_path, known.values())
    for shell in SHELLS:
        commands = known | {"c": Command(("echo", "of another release"), root=True)}
        text = collector.script(commands, NONCE, sudo=True).replace(collector.LOOK_SCRIPT, str(installed))
        done = subprocess.run(
            [shutil.which(shell[0]) or "", *shell[1:], "-c", text],
            env=env,
            capture_output=True,
            timeout=30,
            check=False,
        )
        found = collector.read(done.stdout, done.stderr, NONCE, commands)
        assert (found["a"].stdout, found["a"].exit_code) == (b"it's $HOME\n", 0)
        assert found["b"].exit_code == 7
        assert (found["c"].stdout, found["c"].exit_code) == (b"of another release\n", 0), "by its own line of sudoers"


@pytest.mark.parametrize(
    ("words", "said", "code"),
    [
        ((), b"", 64),
        ((), b"echo hacked\n", collector.NOT_MINE),
        ((), b"*\n", collector.NOT_MINE),
        (("--help",), b"KEY\n", 64),
    ],
)
def test_the_script_takes_no_argument_and_no_other_word(tmp_path, words, said, code):
    command = Command(("echo", "yes"), root=True)
    env, installed = host_with_look_script(tmp_path, [command])
    said = said.replace(b"KEY", collector.look_key(command).encode())
    done = subprocess.run([installed, *words], input=said, env=env, capture_output=True, timeout=30, check=False)
    assert (done.returncode, done.stdout) == (code, b"")


def test_the_script_holds_root_commands_only():
    text = collector.look_script([Command(("id",)), Command(("multipath", "-ll"), timeout=10, root=True)])
    assert "exec timeout -k 2 10 multipath -ll ;;" in text
    assert " id " not in text


def test_a_script_cut_anywhere_gives_whole_sections_or_none():
    commands = {"a": sh("printf 'one\\n'; printf 1 >&2"), "b": sh("printf two; exit 3"), "c": Command(("true",))}
    done = shout(("dash",), commands)
    whole = collector.read(done.stdout, done.stderr, NONCE, commands)
    assert [o.exit_code for o in whole.values()] == [0, 3, 0]
    for cut in range(len(done.stdout)):
        outputs = collector.read(done.stdout[:cut], done.stderr, NONCE, commands)
        for name, output in outputs.items():
            assert output.exit_code is None or (output.stdout, output.exit_code) == (
                whole[name].stdout,
                whole[name].exit_code,
            )
            assert output.exit_code is not None or output.truncated or not (output.stdout or output.stderr)
    nothing = collector.read(b"", b"", NONCE, commands)
    assert all(o == Output(b"", b"", None) for o in nothing.values())


def test_a_cut_section_is_truncated_and_the_next_was_never_started():
    commands = {"a": sh("echo 1"), "b": sh("echo 2"), "c": sh("echo 3")}
    done = shout(("dash",), commands)
    cut = done.stdout.index(b"2\n@@") + 2
    outputs = collector.read(done.stdout[:cut], done.stderr, NONCE, commands)
    assert (outputs["a"].stdout, outputs["a"].exit_code) == (b"1\n", 0)
    assert (outputs["b"].stdout, outputs["b"].exit_code, outputs["b"].truncated) == (b"2\n", None, True)
    assert outputs["c"].exit_code is None


def test_a_login_greeting_before_the_script_is_not_output():
    commands = {"a": sh("echo 1")}
    done = shout(("dash",), commands)
    outputs = collector.read(b"Welcome\n" + done.stdout, b"motd" + done.stderr, NONCE, commands)
    assert (outputs["a"].stdout, outputs["a"].stderr) == (b"1\n", b"")


def test_a_host_without_proc_has_no_times():
    out = f"@@{NONCE} 0 -\nx@@{NONCE} 1 -\n@@{NONCE} end -\n".encode()
    err = f"@@{NONCE} 0 -\nab@@{NONCE} = 3\n\nc@@{NONCE} 1 -\n@@{NONCE} end -\n".encode()
    output = collector.read(out, err, NONCE, {"a": Command(("x",))})["a"]
    assert output == Output(b"x", b"ab\nc", 3, 0.0, False)


def test_what_cannot_be_a_script_is_refused():
    with pytest.raises(ValueError, match="nonce"):
        collector.script({}, "'; reboot #", sudo=False)
    with pytest.raises(ValueError, match="longer than"):
        collector.script({"a": Command(("echo", "x" * 100_000))}, NONCE, sudo=False)


@pytest.mark.parametrize(("timeout", "given_to_the_host"), [(0.2, 1), (1, 1), (1.1, 2), (20.0, 20)])
def test_timeouts_are_whole_seconds(timeout, given_to_the_host):
    assert collector.seconds(timeout) == given_to_the_host
