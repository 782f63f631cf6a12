"""The running lab over real SSH: a collector script, the ledger, faults on the wire, and its end."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.error

import paramiko
import pytest

from tests.fixtures_lab import TOP, RunningLab, alive, sh

pytestmark = pytest.mark.wire

SCRIPT = """exec sh -c '
run() { printf "@@@ %s\\n" "$1"; shift; timeout -k 2 5 "$@" </dev/null; printf "@@@ rc=%s\\n" "$?"; }
export LC_ALL=C
run he hosted-engine --vm-status --json
run conf cat /var/lib/ovirt-hosted-engine-ha/ha.conf
run up cat /proc/uptime
run units systemctl is-active ovirt-ha-agent nosuch vdsmd
run maps multipathd show maps json
run fc grep -sH . /sys/class/fc_host/host1/port_state /sys/class/fc_host/host2/port_state
run mine sh -c "mkdir -p run && echo here > run/file && cat run/file"
printf "@@@ end\\n"'"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory):
    running = RunningLab(tmp_path_factory.mktemp("lab"))
    yield running
    assert running.stop() == 0


@pytest.fixture(autouse=True)
def clean(lab: RunningLab):
    yield
    lab.http("DELETE", "/faults")


def ledger_after(lab: RunningLab, number: int) -> list[dict]:
    return lab.http("GET", f"/ledger?since={number}")


def last(lab: RunningLab) -> int:
    rows = lab.http("GET", "/ledger")
    return rows[-1]["n"] if rows else 0


def sections(out: bytes) -> dict[str, tuple[str, int]]:
    """Section name -> (text, exit code)."""
    found, name, lines = {}, "", []
    for line in out.decode().splitlines():
        if line.startswith("@@@ rc="):
            found[name] = ("\n".join(lines), int(line[7:]))
        elif line.startswith("@@@ "):
            name, lines = line[4:], []
        else:
            lines.append(line)
    assert name == "end"
    return found


def test_collector_script_and_the_ledger(lab: RunningLab):
    with lab.connect() as client:
        before = last(lab)
        code, out, err = sh(client, SCRIPT)
        rows = ledger_after(lab, before)
    assert (code, err) == (0, b"")
    seen = sections(out)
    assert json.loads(seen["he"][0])["1"]["hostname"] == "kvm01.bank.example"
    assert seen["conf"][0] == "local_maintenance=False\nlocal_maintenance_manual=False"
    assert float(seen["up"][0].split()[0]) > 197_000
    assert seen["units"] == ("active\ninactive\nactive", 0)
    assert len(json.loads(seen["maps"][0])["maps"]) == 8
    assert seen["fc"][0].splitlines()[0] == "/sys/class/fc_host/host1/port_state:Online"
    assert seen["mine"] == ("here", 0)
    assert [(row["kind"], row["argv"][0], row["rc"]) for row in rows] == [
        ("ssh", SCRIPT, 0),
        ("command", "hosted-engine", 0),
        ("command", "cat", 0),
        ("command", "cat", 0),
        ("command", "systemctl", 0),
        ("command", "multipathd", 0),
        ("command", "grep", 0),
    ]  # the cat of the host's own file is the real tool and concerns nobody
    assert rows[1]["argv"] == ["hosted-engine", "--vm-status", "--json"]
    assert {row["host"] for row in rows} == {"kvm01"}


def test_exit_codes_streams_and_stdin(lab: RunningLab):
    with lab.connect(1) as client:
        assert sh(client, "echo out; echo err >&2; exit 7") == (7, b"out\n", b"err\n")
        stdin, out, _ = client.exec_command("cat; hostname", timeout=5)
        stdin.write(b"\x00\xff binary")
        stdin.channel.shutdown_write()
        assert out.read() == b"\x00\xff binarykvm02.bank.example\n"
        assert sh(client, "head -c 3000000 /dev/zero")[1] == b"\0" * 3_000_000


def log_in(lab: RunningLab, how) -> None:
    known = lab.estate["hosts"][0]
    with paramiko.Transport((known["address"], known["ssh_port"])) as transport:
        transport.start_client(timeout=5)
        assert transport.get_remote_server_key().get_base64() == known["host_key"].split()[1]
        how(transport)
        assert transport.is_authenticated()


def test_only_known_keys_get_in(lab: RunningLab):
    log_in(lab, lambda transport: transport.auth_publickey("root", lab.key))
    with pytest.raises(paramiko.AuthenticationException):
        log_in(lab, lambda transport: transport.auth_publickey("root", paramiko.ECDSAKey.generate()))
    with pytest.raises(paramiko.BadAuthenticationType) as refused:
        log_in(lab, lambda transport: transport.auth_password("root", "secret"))
    assert refused.value.allowed_types == ["publickey"]


def test_hosts_have_keys_and_homes_of_their_own(lab: RunningLab):
    first, second = lab.estate["hosts"]
    assert first["host_key"] != second["host_key"]
    with lab.connect(0) as one, lab.connect(1) as other:
        sh(one, "echo mine > only-here")
        assert sh(other, "cat only-here")[0] == 1
        with one.open_sftp() as files:
            assert files.open("/only-here").read() == b"mine\n"
            with pytest.raises(FileNotFoundError):
                files.open("/../../../../etc/passwd")


def test_hanging_command_is_ended_by_its_timeout(lab: RunningLab):
    lab.fault("hang-command", "kvm01", command="hosted-engine")
    with lab.connect() as client:
        before = last(lab)
        code, out, _ = sh(client, "timeout -k 2 0.5 hosted-engine --vm-status --json; echo rc=$?; cat /proc/uptime")
        rows = ledger_after(lab, before)
    assert code == 0
    assert out.startswith(b"rc=124\n")
    assert [row["rc"] for row in rows if row["argv"][0] == "hosted-engine"] == [None]


@pytest.mark.parametrize(
    ("kind", "start"),
    [("truncate", b'{"1"'), ("binary", b'{"1"'), ("ansi", b"\x1b[1m{"), ("html", b"<!DOCTYPE"), ("empty", b"")],
)
def test_corrupt_output(lab: RunningLab, kind: str, start: bytes):
    lab.fault("corrupt-output", "kvm02", command="hosted-engine", kind=kind)
    with lab.connect(1) as client:
        code, out, _ = sh(client, "hosted-engine --vm-status --json")
        assert sh(client, "cat /proc/loadavg")[0] == 0
    assert code == 0
    assert out.startswith(start)
    with pytest.raises(ValueError):  # noqa: PT011
        json.loads(out)


def test_systemd_run_timer_fires_once_and_can_be_stopped(lab: RunningLab):
    with lab.connect() as client:
        assert sh(client, "systemd-run --unit=hf-a --on-active=0.3 sh -c 'echo fired >> fired'")[0] == 0
        assert sh(client, "systemd-run --unit=hf-b --on-active=0.3 touch never && systemctl stop hf-b.timer")[0] == 0
        assert sh(client, "systemctl is-active hf-a.timer")[1] == b"active\n"
        time.sleep(0.8)
        assert sh(client, "cat fired; ls never; systemctl is-active hf-a.timer")[1] == b"fired\ninactive\n"


def test_detached_command_outlives_its_connection(lab: RunningLab):
    with lab.connect() as client:
        sh(client, "nohup setsid sh -c 'sleep 0.6; echo done > late' >/dev/null 2>&1 &")
    time.sleep(1.0)
    with lab.connect() as client:
        assert sh(client, "cat late")[1] == b"done\n"


def test_dropped_links(lab: RunningLab):
    with lab.connect() as client:
        _, out, _ = client.exec_command("sleep 5")
        lab.fault("drop-links", "kvm01")
        started = time.monotonic()
        assert out.read() == b""
        assert time.monotonic() - started < 2
    with lab.connect() as client:
        assert sh(client, "true")[0] == 0


def test_changed_host_key(lab: RunningLab):
    lab.fault("change-host-key", "kvm02")
    with pytest.raises(paramiko.BadHostKeyException):
        lab.connect(1)
    known = lab.estate["hosts"][1]
    with paramiko.Transport((known["address"], known["ssh_port"])) as transport:
        transport.start_client(timeout=5)
        known["host_key"] = f"ssh-ed25519 {transport.get_remote_server_key().get_base64()}"


def test_power_loss_is_silence(lab: RunningLab):
    known = lab.estate["hosts"][1]
    with lab.connect(1) as client, lab.connect(0) as other:
        _, out, _ = client.exec_command("echo $$; sleep 600", timeout=1.0)
        pid = int(out.readline())
        lab.fault("power-off", "kvm02")
        with pytest.raises(TimeoutError):
            out.read()
        assert client.get_transport().is_active()  # nothing was closed: the host is just gone
        with socket.create_connection((known["address"], known["ssh_port"]), timeout=5) as raw:
            raw.settimeout(0.7)
            with pytest.raises(TimeoutError):
                raw.recv(1)
        assert not alive(pid)
        assert sh(other, "hosted-engine --vm-status --json")[0] == 0  # another host is not slowed down
        truth = lab.http("GET", "/truth")
        assert not truth["hosts"]["kvm02"]["powered"]
        assert [row["on"] for row in truth["power"] if row["host"] == "kvm02"] == [False]
        lab.http("DELETE", "/faults?name=power-off&target=kvm02")
        end = time.monotonic() + 10
        while True:
            try:
                with lab.connect(1, timeout=1.0) as again:
                    assert float(sh(again, "cat /proc/uptime")[1].split()[0]) < 1000
                break
            except (OSError, paramiko.SSHException):
                assert time.monotonic() < end


def test_faults_say_what_they_need(lab: RunningLab):
    for body in (
        {"name": "nope"},
        {"name": "power-off", "target": "kvm99"},
        {"name": "hang-command", "target": "kvm01"},
    ):
        with pytest.raises(urllib.error.HTTPError) as refused:
            lab.http("POST", "/faults", body)
        assert refused.value.code == 400
        assert len(refused.value.read()) > 20


def test_page_works_by_forms_alone(lab: RunningLab):
    import http.client
    import urllib.parse

    def send(method: str, path: str, **fields: str):
        connection = http.client.HTTPConnection("127.0.0.1", lab.ports[0], timeout=5)
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": lab.control} if fields else {}
        connection.request(method, path, urllib.parse.urlencode(fields) or None, headers)
        answer = connection.getresponse()
        return answer.status, answer.getheader("Location"), answer.read().decode()

    status, _, page = send("GET", "/")
    assert status == 200
    assert "The engine VM runs on" in send("GET", "/now")[2]
    assert "<script" not in page
    assert send("POST", "/faults", name="pull-fabric", target="A")[:2] == (303, "/")
    assert "Fabric A is pulled." in send("GET", "/now")[2]
    assert send("POST", "/faults/clear", all="1")[0] == 303
    assert "Both fabrics carry traffic." in send("GET", "/now")[2]


def test_foreign_pages_may_not_act(lab: RunningLab):
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", lab.ports[0], timeout=5)
    connection.request("POST", "/faults", "name=power-off&target=kvm01", {"Origin": "http://evil.example"})
    assert connection.getresponse().status == 403
    assert lab.http("GET", "/faults") == []


def test_command_line_of_a_running_lab(lab: RunningLab):
    def cli(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "lab", *words, "--port", str(lab.ports[0])]
        return subprocess.run(command, cwd=TOP, capture_output=True, text=True, timeout=20, check=False)

    assert cli("fault", "clock-skew", "kvm01", "seconds=300").returncode == 0
    assert json.loads(cli("faults").stdout)[0]["args"] == {"seconds": "300"}
    with lab.connect() as client:
        assert 290 < int(sh(client, "date +%s")[1]) - time.time() < 310
    assert json.loads(cli("clear", "clock-skew").stdout)["cleared"] == ["clock-skew kvm01"]
    refused = cli("fault", "nope")
    assert refused.returncode == 1
    assert "known are" in refused.stderr


def test_a_port_in_use_is_said(lab: RunningLab, tmp_path):
    words = ["--port", str(lab.ports[0]), "--engine-port", "0", "--ssh-port", str(lab.ports[2])]
    command = [sys.executable, "-m", "lab", "run", "--state-dir", str(tmp_path), *words]
    ended = subprocess.run(command, cwd=TOP, capture_output=True, text=True, timeout=20, check=False)
    assert ended.returncode == 1
    assert f"port {lab.ports[2]} on 127.0.1.1 cannot be used" in ended.stderr


def test_end_of_the_lab_ends_everything(tmp_path):
    running = RunningLab(tmp_path)
    with running.connect() as client:
        _, out, _ = client.exec_command("nohup setsid sleep 300 >/dev/null 2>&1 & echo $!")
        pid = int(out.readline())
        assert alive(pid)
        assert running.stop() == 0
    assert not alive(pid)
    assert not (tmp_path / "state" / "estate.json").exists()
