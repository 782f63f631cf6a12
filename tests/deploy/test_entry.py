"""./holdfast as it is called: what it says, what it refuses, whose settings it takes."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

TOP = Path(__file__).resolve().parents[2]


def holdfast(*words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Runs it as a shell that knows no estate would, plus the settings given."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("HOLDFAST_")}
    env |= {"HOLDFAST_RUN_DIR": os.environ.get("RUN_DIR", "")} | settings
    return subprocess.run(
        ["sh", "./holdfast", *words], cwd=TOP, env=env, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("words", [(), ("help",), ("--help",)])
def test_usage_is_an_answer(words):
    done = holdfast(*words)
    assert done.returncode == 0
    assert "usage: ./holdfast COMMAND" in done.stdout
    assert done.stderr == ""


def test_an_unknown_command_is_named():
    done = holdfast("demonstrate")
    assert done.returncode == 2
    assert "there is no command demonstrate" in done.stderr
    assert "usage:" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("option", ["--port", "--lab-port", "--engine-port", "--ssh-port", "--mail-port"])
def test_a_port_in_use_names_the_option(option):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = str(taken.getsockname()[1])
        free = {"--port": "18000", "--lab-port": "18090", "--engine-port": "18443", "--ssh-port": "12222"}
        free["--mail-port"] = "12525"
        done = holdfast("demo", *(word for pair in (free | {option: number}).items() for word in pair))
    assert done.returncode == 1
    assert f"port {number} on 127.0.0.1 cannot be used" in done.stderr
    assert f"Choose another with {option} N." in done.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--port",), "--port needs a number after it"),
        (("--port", "abc"), "a port is a number from 1 to 65535"),
        (("--port", "8090", "--lab-port", "8090"), "five different ports"),
        (("--prot", "8001"), "demo does not know --prot"),
    ],
)
def test_the_demo_refuses_what_it_cannot_use(words, told):
    done = holdfast("demo", *words)
    assert done.returncode == 1
    assert told in done.stderr


def test_a_benchmark_that_does_not_exist_is_named():
    done = holdfast("bench", "memory")
    assert done.returncode == 1
    assert "there is no benchmark memory" in done.stderr


def test_production_needs_a_database_in_its_environment():
    done = holdfast("up")
    assert done.returncode == 1
    assert "HOLDFAST_DATABASE_URL is not set" in done.stderr


def test_manage_works_on_the_database_that_the_environment_names():
    """Else a production `manage migrate` would migrate a private database of the checkout."""
    ask = "from django.conf import settings; print(settings.DATABASES['default']['NAME'], settings.DEMO)"
    done = holdfast(
        *("manage", "shell", "-v", "0", "-c", ask),
        HOLDFAST_DATABASE_URL="postgresql://nobody@127.0.0.1:1/elsewhere",
        HOLDFAST_SECRET_KEY="x" * 50,
        HOLDFAST_SEAL_KEYS=Fernet.generate_key().decode(),
    )
    assert done.stdout.split() == ["elsewhere", "False"], done.stderr


def test_the_demo_takes_no_settings_of_another_estate():
    """Each of these alone keeps Django from starting."""
    ask = "from django.conf import settings; print(settings.DATABASES['default']['NAME'], settings.ALLOWED_HOSTS)"
    done = holdfast(
        *("manage", "shell", "-v", "0", "-c", ask),
        HOLDFAST_BEHIND_PROXY="perhaps",
        HOLDFAST_SECRET_KEY_FILE="/nonexistent",
        HOLDFAST_ALLOWED_HOSTS="portal.bank.example",
        PGPORT="1",
        PYTHONPATH="/nonexistent",
    )
    assert done.stdout.strip() == "holdfast ['127.0.0.1', 'localhost']", done.stderr


@pytest.mark.parametrize(
    ("release", "family", "missing", "command"),
    [
        (
            "ID=debian\nVERSION_ID=12",
            "apt",
            "nginx-light gcc",
            "apt-get install -y --no-install-recommends nginx-light gcc",
        ),
        ('ID="ol"\nVERSION_ID="9.4"', "dnf", "gcc redis", "dnf install -y gcc redis"),
        (
            'ID="ol"\nVERSION_ID="8.10"',
            "dnf",
            "chromium postgresql-server redis",
            "dnf module enable -y postgresql:16 && dnf module enable -y redis:6 && "
            "dnf install -y oracle-epel-release-el8 && dnf install -y chromium postgresql-server redis",
        ),
    ],
)
def test_the_one_command_that_installs(tmp_path, release, family, missing, command):
    (tmp_path / "os-release").write_text(release, "utf-8")
    script = f'. ./deploy/packages.sh; OS_RELEASE="$1"; family={family}; install_command "$2"'
    line = ["sh", "-eu", "-c", script, "sh", str(tmp_path / "os-release"), missing]
    assert subprocess.run(line, cwd=TOP, capture_output=True, text=True, check=True).stdout.strip() == command


def test_an_account_that_may_not_install_is_told_the_command(tmp_path):
    """A machine that has the shell's tools and nothing else, seen by an ordinary account."""
    for tool in ("sed", "sort", "tail", "head", "tr", "cut", "sh"):
        (tmp_path / tool).symlink_to(shutil.which(tool))
    (tmp_path / "apt-get").write_text("#!/bin/sh\nexit 1\n", "utf-8")
    (tmp_path / "apt-get").chmod(0o755)
    script = 'die() { echo "$*"; exit 1; }; id() { echo 1000; }; VAR=x; . ./deploy/packages.sh; setup_packages demo'
    done = subprocess.run(
        [shutil.which("sh"), "-eu", "-c", script],
        cwd=TOP,
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    said = re.search(r"Run this as root, once, .*: (apt-get install .*)", done.stdout)
    assert said, done.stdout + done.stderr
    assert {"gcc", "libxml2-dev", "python3-venv", "redis-tools"} <= set(said[1].split())
    assert "chromium" not in said[1]


def test_secrets_are_made_once_and_for_their_owner_alone(tmp_path):
    folder = tmp_path / "secrets"
    assert holdfast("secrets", str(folder)).returncode == 0
    made = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert sorted(made) == ["evidence_key", "seal_keys", "secret_key"]
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert holdfast("secrets", str(folder)).returncode == 0
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == made
