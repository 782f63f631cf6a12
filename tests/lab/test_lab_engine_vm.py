"""The lab's engine VM as a machine: scripts, signals, links that break, power, faults that hang, large files."""

from __future__ import annotations

import hashlib
import time
import urllib.error

import paramiko
import pytest

from portal.runs import hostside
from tests.fixtures_engine_vm import BACKUPS, connect, counted, engine_backup, eventually, left
from tests.fixtures_lab import RunningLab, alive, sh

pytestmark = pytest.mark.wire


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory):
    running = RunningLab(tmp_path_factory.mktemp("lab"), 50.0, "--backup-mib", "2")
    yield running
    assert running.stop() == 0


@pytest.fixture
def vm(lab: RunningLab):
    with connect(lab) as client:
        yield client
    lab.http("DELETE", "/faults")
    eventually(lambda: counted(lab, "engine-backup") == 0)
    with connect(lab) as client:
        sh(client, "rm -rf /tmp/* /tmp/.[!.]*")


def start_slowly(lab: RunningLab, client: paramiko.SSHClient, name: str, seconds: str = "1") -> int:
    """A detached run, every section of which takes a while; its process id once it is dumping the engine."""
    sh(client, "psql -w -U engine -h localhost -c 'select 1'", 30)  # the cluster is there
    lab.fault("backup-slow", "engine", seconds=seconds)
    run = f"engine-backup --file={BACKUPS}/{name}.backup --log=/tmp/{name}.log >/tmp/{name}.out 2>&1 </dev/null"
    sh(client, f"setsid sh -c '{run}; echo $? >/tmp/{name}.rc' </dev/null >/dev/null 2>&1 &")
    eventually(lambda: b"Engine database" in sh(client, f"cat /tmp/{name}.out")[1])
    return int(sh(client, "pgrep -x engine-backup")[1])


def rc_of(client: paramiko.SSHClient, name: str) -> bytes:
    eventually(lambda: sh(client, f"test -s /tmp/{name}.rc")[0] == 0)
    return sh(client, f"cat /tmp/{name}.rc")[1].strip()


def temps(lab: RunningLab) -> list[str]:
    return [path for path in left(lab) if "/engine-backup." in path]


def test_a_shell_of_the_vm_knows_the_vms_files(lab, vm):
    script = """set -e; umask 077; cd; pwd; id -u; mkdir -p .holdfast/a; echo one two >.holdfast/a/f
    wc -c <.holdfast/a/f; tail -c +5 .holdfast/a/f | head -c 3; echo
    mv .holdfast/a/f /tmp/g; stat -c '%a %s' /tmp/g; sha256sum /tmp/g | cut -c1-8
    find /tmp -maxdepth 1 -name g; du -k /tmp/g | cut -f2; [ -f /tmp/g ] && rm -r /tmp/g .holdfast; ls /tmp
    hostname; . /etc/os-release; echo $PRETTY_NAME; rpm -q --qf '%{VERSION}\\n' ovirt-engine-tools-backup
    sudo -n true && timeout 5 echo in-time; df -Pk /var/lib | tail -n 1 | cut -d' ' -f1
    systemctl is-active postgresql"""
    code, out, err = sh(vm, script)
    assert (code, err) == (0, b"")
    assert out.decode().split("\n") == [
        "/root", "0", "8", "two", "600 8",
        hashlib.sha256(b"one two\n").hexdigest()[:8], "/tmp/g", "/tmp/g", "engine.bank.example",
        "Oracle Linux Server 8.10", "4.5.5", "in-time", "/dev/mapper/ol-var", "active", "",
    ]  # fmt: skip
    assert sh(vm, "cat /etc/passwd | head -c 4")[1] == b"root"  # what is not the VM's own is the machine's


def ask(client: paramiko.SSHClient, command) -> tuple[int, bytes, bytes]:
    """A command of the portal's, as its connector sends it."""
    return sh(client, command.quoted(), 20)


def test_the_portals_own_scripts_work_there(lab, vm):
    from portal.kernel.command import Command

    assert ask(vm, hostside.script(hostside.OPEN, "r1"))[0] == 0
    backup = Command(("engine-backup", f"--file={BACKUPS}/act.backup", "--log=/tmp/act.log"), root=True, timeout=60)
    assert ask(vm, hostside.start("r1", "a1", [backup]))[0] == hostside.STARTED
    assert ask(vm, hostside.start("r1", "a1", [backup]))[0] == hostside.ALREADY
    eventually(lambda: b"ended 0" in ask(vm, hostside.tail("r1", "a1", 0, 0))[1], 40)
    assert ask(vm, hostside.tail("r1", "a1", 0, 0))[1].endswith(b"Notifying engine\nDone.\n")
    long = Command(("sleep", "60"), timeout=90)
    assert ask(vm, hostside.start("r1", "a2", [long]))[0] == hostside.STARTED
    eventually(lambda: counted(lab, "sleep") == 1)
    assert ask(vm, hostside.script(hostside.STOP, "r1", "a2"))[0] == 0
    assert b"ended 143" in ask(vm, hostside.tail("r1", "a2", 0, 0))[1]
    assert ask(vm, hostside.script(hostside.CLOSE, "r1"))[0] == 0


def test_term_to_the_script_alone_leaves_an_orphan_dump_and_no_temp(lab, vm):
    lab.fault("backup-hang", "engine")
    pid = start_slowly(lab, vm, "term", "0.5")
    eventually(lambda: counted(lab, "pg_dump") == 1)
    assert any("/.pgpass" in path for path in temps(lab))
    sh(vm, f"kill {pid}")
    assert rc_of(vm, "term") == b"143"
    assert counted(lab, "engine-backup") == 0
    assert counted(lab, "pg_dump") == 1
    assert temps(lab) == []
    assert sh(vm, f"stat -c %s {BACKUPS}/term.backup")[1] == b"0\n"
    log = sh(vm, "cat /tmp/term.log")[1].decode()
    assert "FATAL" not in log
    lab.http("DELETE", "/faults")
    eventually(lambda: counted(lab, "pg_dump") == 0)


def test_a_run_hangs_as_long_as_the_lock_is_held(lab, vm):
    lab.fault("backup-hang", "engine")
    start_slowly(lab, vm, "hang", "0.1")
    locks = (
        "select count(*) from pg_locks where mode = 'AccessExclusiveLock' and granted"
        " and relation = 'vds_static'::regclass"
    )
    assert sh(vm, f'sudo -u postgres psql -d engine -Atc "{locks}"')[1] == b"1\n"
    time.sleep(1.5)
    assert sh(vm, "test -e /tmp/hang.rc")[0] == 1
    lab.http("DELETE", "/faults")
    assert rc_of(vm, "hang") == b"0"


def test_a_killed_run_leaves_its_temp_folder_and_passwords(lab, vm):
    lab.fault("backup-kill", "engine")
    code, out, _, log = engine_backup(vm, "killed")
    assert code == 137
    assert out[-1] == "- DWH database 'ovirt_engine_history'"
    assert "FATAL" not in log
    rows = {row["path"]: row["mode"] for row in lab.http("GET", "/engine-vm/files?under=/tmp")}
    folder = next(path for path in rows if path.count("/") == 2 and "engine-backup." in path)
    assert (rows[folder], rows[f"{folder}/.pgpass"]) == ("0700", "0600")
    assert f"{folder}/tar/db/engine_backup.db" in rows
    eventually(lambda: counted(lab, "pg_dump") == 0)  # the orphan ends by itself
    # the lab looks every moment whether the killed one lives
    eventually(lambda: "ended" in lab.http("GET", "/engine-vm")["runs"][-1])
    assert lab.http("GET", "/engine-vm")["runs"][-1]["rc"] is None


def test_a_dropped_link_ends_an_attached_run_at_its_next_line(lab, vm):
    sh(vm, "psql -w -U engine -h localhost -c 'select 1'", 30)
    lab.fault("backup-slow", "engine", seconds="0.5")
    other = connect(lab)
    transport = other.get_transport()
    assert transport
    channel = transport.open_session()
    channel.exec_command(f"engine-backup --file={BACKUPS}/drop.backup --log=/tmp/drop.log; echo $? >/tmp/drop.rc")
    eventually(lambda: b"OUTPUT: - Files" in sh(vm, "cat /tmp/drop.log")[1])
    other.close()
    eventually(lambda: counted(lab, "engine-backup") == 0, 10)
    assert rc_of(vm, "drop") == b"141"
    # the lab looks every moment whether the killed one lives
    eventually(lambda: "ended" in lab.http("GET", "/engine-vm")["runs"][-1])
    assert lab.http("GET", "/engine-vm")["runs"][-1]["rc"] is None
    assert temps(lab) == []
    assert sh(vm, f"stat -c %s {BACKUPS}/drop.backup")[1] == b"0\n"
    log = sh(vm, "cat /tmp/drop.log")[1].decode().rstrip("\n")
    assert log.splitlines()[-1].split(": ", 1)[1].startswith("OUTPUT: ")
    assert "FATAL" not in log


def test_a_detached_run_survives_the_link(lab, vm):
    with connect(lab) as other:
        start_slowly(lab, other, "survives", "0.3")
    lab.fault("drop-links", "engine")
    with connect(lab) as again:
        assert rc_of(again, "survives") == b"0"
        assert sh(again, "tail -n 1 /tmp/survives.out")[1] == b"Done.\n"


@pytest.mark.matrix  # whether they overlap is up to the machine
def test_two_runs_to_one_target_both_end_well_and_spoil_it(lab, vm):
    sh(vm, "psql -w -U engine -h localhost -c 'select 1'", 30)
    one = "engine-backup --log=/tmp/$1.log --file=/tmp/same.backup >/tmp/$1.out; echo $? >/tmp/$1.rc"
    verdict = 0
    for seconds in ("0.2", "0.6", "2"):  # on a busy machine they drift apart
        lab.fault("backup-slow", "engine", seconds=seconds)
        code, out, _ = sh(vm, f"f() {{ {one}; }}; f 1 & f 2 & wait; cat /tmp/1.rc /tmp/2.rc", 60)
        assert (code, out) == (0, b"0\n0\n")
        lab.http("DELETE", "/faults")
        verdict = sh(vm, "engine-backup --mode=verify --file=/tmp/same.backup --log=/tmp/v.log", 30)[0]
        if verdict:
            break
    assert verdict == 1


def test_term_while_packing_leaves_a_part_under_the_final_name(lab, vm):
    pid = start_slowly(lab, vm, "packing", "0.3")
    eventually(lambda: b"Packing" in sh(vm, "cat /tmp/packing.out")[1])
    eventually(lambda: int(sh(vm, f"stat -c %s {BACKUPS}/packing.backup")[1]) > 0)
    group = sh(vm, f"ps -o pid=,pgid= | awk '$1 == {pid} {{ print $2 }}'")[1].decode().strip()
    sh(vm, f"kill -- -{group}")
    eventually(lambda: counted(lab, "engine-backup", "tar", "packer") == 0)
    assert temps(lab) == []
    assert sh(vm, f"engine-backup --mode=verify --file={BACKUPS}/packing.backup --log=/tmp/v.log", 30)[0] == 1


def test_sftp_reads_any_file_from_any_place(lab, vm):
    assert sh(vm, f"head -c 120000000 /dev/urandom >{BACKUPS}/large.partial; echo mine >own", 30)[0] == 0
    tail = sh(vm, f"tail -c 1000 {BACKUPS}/large.partial")[1]
    with vm.open_sftp() as files:
        assert files.stat(f"{BACKUPS}/large.partial").st_size == 120_000_000
        with files.open(f"{BACKUPS}/large.partial", "rb") as remote:
            assert b"".join(remote.readv([(120_000_000 - 1000, 1000)])) == tail
        assert files.open("own").read() == b"mine\n"
        with pytest.raises(FileNotFoundError):
            files.open("/../../../../etc/passwd")
    sh(vm, f"rm {BACKUPS}/large.partial own")


def test_faults_of_a_host_befall_the_vm_too(lab, vm):
    lab.fault("fill-disk", "engine")
    assert b" 100% /var" in sh(vm, "df -Pk /var/lib/ovirt-engine-backup")[1]
    lab.fault("corrupt-output", "engine", command="rpm", kind="empty")
    assert sh(vm, "rpm -q ovirt-engine")[1] == b""
    lab.fault("backup-db-down", "engine")
    assert sh(vm, "systemctl is-active postgresql")[1] == b"failed\n"
    with pytest.raises(urllib.error.HTTPError):
        lab.fault("backup-tmp-full", "engine", when="never")
    with pytest.raises(urllib.error.HTTPError):
        lab.http("GET", "/engine-vm/files?under=/../../..")


def test_the_vm_is_there_exactly_while_it_runs(lab, vm):
    start_slowly(lab, vm, "power", "2")
    pids = [one["pid"] for one in lab.http("GET", "/engine-vm")["processes"]]
    assert pids
    boot = sh(vm, "uptime -s")[1]
    lab.fault("poweroff-engine-vm", "engine")
    eventually(lambda: not any(alive(pid) for pid in pids))
    assert lab.http("GET", "/engine-vm")["up"] is False
    with pytest.raises((paramiko.SSHException, OSError, EOFError)):
        connect(lab, timeout=0.3)
    lab.http("DELETE", "/faults")
    eventually(lambda: lab.http("GET", "/engine-vm")["up"], 30)
    with connect(lab) as client:
        assert sh(client, "uptime -s")[1] != boot
        assert sh(client, "ls /tmp/power.log")[0] == 0  # the disk keeps what the power took
        assert sh(client, "test -e /tmp/power.rc")[0] == 1
        assert temps(lab)


def test_hosts_hold_what_no_engine_backup_holds(lab):
    conf = "/etc/ovirt-hosted-engine/hosted-engine.conf"
    seen = []
    for number in (0, 1):
        with lab.connect(number) as client:
            folder = "/var/lib/ovirt-hosted-engine-setup/answers"
            answers = sh(client, f"cat {folder}/answers-*.conf")[1]
            assert answers == sh(client, "cat /etc/ovirt-hosted-engine/answers.conf")[1]
            assert b"OVEHOSTED_STORAGE/lunID=str:3" in answers
            text = sh(client, f"cat {conf}")[1]
            assert f"fqdn={lab.estate['engine_vm']['hostname']}\n".encode() in text
            digest = sh(client, f"sha256sum {conf}")[1].decode().split()
            assert digest == [hashlib.sha256(text).hexdigest(), conf]
            assert sh(client, "rpm -q ovirt-engine-appliance")[0] == 0
            seen.append((text, answers))
    assert seen[0][0].replace(b"host_id=1\n", b"host_id=2\n") == seen[1][0]
    assert seen[0][1] == seen[1][1]
