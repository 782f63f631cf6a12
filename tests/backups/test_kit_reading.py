"""What hosts and the engine VM print, good, cut and hostile."""

from __future__ import annotations

import json
import re
import subprocess
from itertools import product

import pytest

from backups.kit import commands, reading
from backups.kit.conf import conf_file, mask, values
from backups.kit.content import Package
from backups.kit.reading_network import default_gateway, interfaces, main_interface
from portal.kernel.collector import script
from portal.kernel.output import Output, ParseError, sha256
from tests.backups.kit_scenes import ANSWERS, HE_CONF, NOW


def out(text=b"", code=0, err=b"", **more):
    return Output(text if isinstance(text, bytes) else text.encode(), err, code, **more)


RPM = """ovirt-engine-appliance 4.5-20240817071039.1.el8
ovirt-hosted-engine-setup 2.7.1-1.el8
package ovirt-host is not installed
vdsm 4.50.5.1-1.el8
"""
ADDRESSES = [
    {"ifname": "lo", "operstate": "UNKNOWN", "addr_info": [{"local": "127.0.0.1", "prefixlen": 8, "scope": "host"}]},
    {"ifname": "ens1f0", "mtu": 1500, "operstate": "UP", "address": "98:F2:B3:00:00:01", "master": "bond0"},
    {"ifname": "bond0", "mtu": 1500, "operstate": "UP", "linkinfo": {"info_kind": "bond"}, "master": "ovirtmgmt"},
    {
        "ifname": "bond1.120",
        "mtu": 9000,
        "operstate": "LOWERLAYERDOWN",
        "address": "bad",
        "linkinfo": {"info_kind": "vlan", "info_data": {"protocol": "802.1Q", "id": 120}},
    },
    {
        "ifname": "ovirtmgmt",
        "mtu": 1500,
        "operstate": "UP",
        "address": "98:f2:b3:00:00:01",
        "linkinfo": {"info_kind": "bridge"},
        "addr_info": [
            {"local": "10.99.0.11", "prefixlen": 16, "scope": "global"},
            {"local": "10.20.0.11", "prefixlen": 24, "scope": "global"},
            {"local": "fe80::1", "prefixlen": 64, "scope": "link"},
            {"local": "nonsense", "prefixlen": 24, "scope": "global"},
            "nonsense",
        ],
    },
    {"ifname": "vnet3", "operstate": "UP"},
    {"ifname": ";vdsmdummy;", "operstate": "DOWN"},
    {},
]
ROUTES = [
    {"dst": "default", "gateway": "10.99.0.1", "metric": 425},
    {"dst": "default", "gateway": "10.20.0.1", "metric": 100},
    {"dst": "default", "dev": "tun0"},
]
HOST = {
    "packages": out(RPM, 1),
    "appliance": out("ovirt-engine-4.5.5-1.el8.noarch\novirt-engine-tools-4.5.5-1.el8.noarch\n"),
    "release": out('NAME="Oracle Linux Server"\nPRETTY_NAME="Oracle Linux Server 8.10"\n'),
    "kernel": out("5.15.0-206.153.7.el8uek.x86_64\n"),
    "addresses": out(json.dumps(ADDRESSES)),
    "routes": out(json.dumps(ROUTES)),
    "fqdn": out("kvm01.bank.example\n"),
    "unique_id": out("4C4C4544-0050-4B10-8056-B7C04F343531\n"),
    "ports": out(
        "/sys/class/fc_host/host1/port_name:0x10000090fa942101\n/sys/class/fc_host/host2/port_name:0x10000090fa942111\n"
    ),
    "he_conf": out(HE_CONF % (1, b"s3cr3t")),
    "answers": out(ANSWERS),
    "saved": out(b"@@ answers-1.conf\n" + ANSWERS + b"@@ answers-2.conf\n[environment:default]\n"),
}
ENGINE = {
    "packages": out("ovirt-engine 4.5.5-1.25.el8\npostgresql-server 12.22-1.module+el8\n"),
    "release": HOST["release"],
    "kernel": HOST["kernel"],
    "addresses": out(json.dumps([{**ADDRESSES[4], "ifname": "eth0", "linkinfo": {}, "address": "00:16:3e:23:18:fd"}])),
    "routes": HOST["routes"],
    "fqdn": out('ENGINE_FQDN=old.example\nENGINE_FQDN="olvm-engine.bank.example"\n'),
    "dns": out("# made by NetworkManager\nsearch bank.example\nnameserver 10.20.0.53 # one\nnameserver fe80::1%eth0\n"),
    "time_zone": out("Timezone=Africa/Nairobi\n"),
    "vcpus": out("4\n"),
    "memory": out("MemTotal:       16265404 kB\nMemFree: 1 kB\n"),
    "disks": out("/sys/block/sr0/size:2097151\n/sys/block/vda/size:251658240\n/sys/block/vdb/size:2048\n"),
    "ca": out("notAfter=Nov 20 09:00:00 2036 GMT\n"),
    "setup": out("OVESETUP_CONFIG/keycloakEnable=bool:True\n"),
}


def test_a_host_is_read_whole():
    seen = reading.host("kvm01", HOST, NOW)
    assert seen.source.at == NOW
    assert seen.source.why == ()
    assert seen.package("vdsm") == "4.50.5.1-1.el8"
    assert seen.package("ovirt-host") == ""
    assert seen.appliance_engine == "4.5.5"
    assert (seen.release, seen.kernel) == ("Oracle Linux Server 8.10", "5.15.0-206.153.7.el8uek.x86_64")
    assert (seen.fqdn, seen.unique_id) == ("kvm01.bank.example", "4c4c4544-0050-4b10-8056-b7c04f343531")
    assert seen.wwpns == ("10000090fa942101", "10000090fa942111")
    assert (seen.he_host_id, seen.gateway, seen.conf_read) == (1, "10.20.0.1", True)
    assert [(nic.name, nic.kind, nic.mtu, nic.up, nic.master, nic.vlan) for nic in seen.nics] == [
        ("ens1f0", "physical", 1500, True, "bond0", None),
        ("bond0", "bond", 1500, True, "ovirtmgmt", None),
        ("bond1.120", "vlan", 9000, False, "", 120),
        ("ovirtmgmt", "bridge", 1500, True, "", None),
    ]
    assert seen.nics[0].mac == "98:f2:b3:00:00:01"
    assert seen.nics[2].mac == ""
    assert seen.nics[3].addresses == ("10.99.0.11/16", "10.20.0.11/24")
    assert [one.path.rpartition("/")[2] for one in seen.saved] == ["answers-1.conf", "answers-2.conf"]
    assert "s3cr3t" not in repr(seen)
    assert "Tr0ub4dor" not in repr(seen)


def test_an_engine_vm_is_read_whole():
    seen = reading.engine(ENGINE, NOW)
    assert seen.source.why == ()
    assert (seen.fqdn, seen.version) == ("olvm-engine.bank.example", "4.5.5-1.25.el8")
    assert (seen.address, seen.prefix, seen.gateway, seen.mac) == ("10.20.0.11", 24, "10.20.0.1", "00:16:3e:23:18:fd")
    assert seen.dns == ("10.20.0.53", "fe80::1")
    assert (seen.time_zone, seen.vcpus, seen.memory) == ("Africa/Nairobi", 4, 16_265_404 * 1024)
    assert seen.disk == 120 * 2**30
    assert (seen.ca_expires, seen.keycloak) == (2_110_784_400, True)
    assert (seen.vlan, seen.data_center, seen.admin_custody) == (None, "", "")


def test_nothing_answered_is_never_collected():
    nothing = dict.fromkeys(commands.HOST, out(b"", None, truncated=True))
    seen = reading.host("kvm01", nothing, NOW)
    assert seen.source.at is None
    assert len(seen.source.why) == len(commands.HOST)
    assert (seen.conf_read, seen.he_conf, seen.he_host_id) == (False, None, None)
    seen = reading.engine({}, NOW)
    assert seen.source.at is None
    assert "packages was not asked." in seen.source.why
    assert (seen.address, seen.prefix, seen.mac) == ("", None, "")


@pytest.mark.parametrize("section", sorted(HOST))
def test_a_part_that_is_rubbish_leaves_the_others(section):
    whole = reading.host("kvm01", HOST, NOW)
    names = ("packages", "release", "kernel", "fqdn", "wwpns")
    for code, rubbish in product((0, 9), (b"\xff\xfe\x00", b"\x1b[31m\x07garbage", b"[" * 100_000)):
        seen = reading.host("kvm01", {**HOST, section: out(rubbish, code)}, NOW)
        assert seen.source.at == NOW
        assert sum(getattr(seen, name) == getattr(whole, name) for name in names) >= 4


@pytest.mark.parametrize("section", sorted(ENGINE))
def test_a_part_of_the_engine_that_is_rubbish_is_told(section):
    seen = reading.engine({**ENGINE, section: out(b"\xff", 9, b"no luck\x1b[2J")}, NOW)
    assert len(seen.source.why) == 1
    assert "\x1b" not in seen.source.why[0]


def test_a_host_that_is_none_of_the_hosted_engine_says_so():
    missing = out(b"", 1, b"cat: /etc/ovirt-hosted-engine/hosted-engine.conf: No such file or directory\n")
    seen = reading.host("kvm03", {**HOST, "he_conf": missing, "answers": missing, "saved": out(b"")}, NOW)
    assert (seen.conf_read, seen.he_conf, seen.answers, seen.saved) == (True, None, None, ())
    refused = out(b"", 1, b"sudo: a password is required\n")
    seen = reading.host("kvm03", {**HOST, "he_conf": refused}, NOW)
    assert not seen.conf_read
    assert seen.source.why == (
        "/etc/ovirt-hosted-engine/hosted-engine.conf cannot be read: sudo: a password is required.",
    )


@pytest.mark.parametrize(
    ("read", "output"),
    [
        (reading.packages, out("bash: rpm: command not found", 127)),
        (reading.packages, out("strange words here are none")),
        (reading.packages, out("x 1", 124)),
        (reading.release, out("NAME=x\n")),
        (reading.unique_id, out("Not Settable\n")),
        (reading.unique_id, out("a\nb\n")),
        (reading.time_zone, out("nowhere\n")),
        (reading.time_zone, out("../usr/share/zoneinfo/../../etc/passwd\n")),
        (lambda output: reading.name(output, "x"), out("")),
        (lambda output: reading.name(output, "x"), out('ENGINE_FQDN="$(reboot)"')),
        (lambda output: reading.whole(output, "x"), out("0\n")),
        (reading.memory, out("MemFree: 1 kB\n")),
        (reading.disk, out("", 2)),
        (reading.disk, out("/sys/block/vda/size:0\n")),
        (reading.expiry, out("notAfter=Nov 31 09:00:00 2036 GMT\n")),
        (reading.expiry, out("notAfter=Foo 20 09:00:00 2036 GMT\n")),
        (reading.expiry, out("unable to load certificate\n")),
        (interfaces, out("[]")),
        (interfaces, out("{}")),
        (interfaces, out("null")),
        (interfaces, out("", 1)),
        (default_gateway, out("")),
        (default_gateway, out('[{"dst": "default", "gateway": "x; reboot"}]')),
        (lambda output: conf_file("x", output.stdout), out(b"x" * 200_001)),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(read, output):
    with pytest.raises(ParseError) as error:
        read(output)
    assert str(error.value).endswith(".")


def test_other_spellings():
    assert reading.time_zone(out("../usr/share/zoneinfo/America/Argentina/Salta\n")) == "America/Argentina/Salta"
    assert reading.time_zone(out("  Local time: x\n       Time zone: Europe/Vienna (CET, +0100)\n")) == "Europe/Vienna"
    assert reading.wwpns(out("0x10000090fa942101\n")) == ("10000090fa942101",)
    assert reading.wwpns(out("", 2)) == ()
    assert reading.appliance_engine(out("", 2)) == ""
    assert reading.appliance_engine(out("ovirt-engine-4.5.5-1\novirt-engine-4.5.4-1\n")) == ""
    assert reading.keycloak(out("", 1)) is False
    assert reading.packages(out("package vdsm is not installed\n", 1)) == ()
    assert reading.packages(out("a 1:2.3~rc1-4\n")) == (Package("a", "1:2.3~rc1-4"),)
    conf = conf_file("x", b"host_id=nonsense\n")
    assert reading.host("x", {**HOST, "he_conf": out(conf.text)}, NOW).he_host_id is None


def test_the_interface_towards_the_gateway():
    nics = interfaces(HOST["addresses"])
    assert main_interface(nics, "10.20.0.1").addresses[0] == "10.20.0.11/24"
    assert main_interface(nics, "").name == "ovirtmgmt"
    assert main_interface((*nics, *nics), "") is None
    assert main_interface(nics, "192.0.2.1") is None
    assert main_interface(nics, "fe80::9") is None


def test_answers_tell_what_the_first_deployment_was_told():
    told = reading.told_by_answers(conf_file("answers.conf", ANSWERS))
    assert told["mac"] == "00:16:3e:23:18:fd"
    assert told["address"] == "10.20.0.5/24"
    assert "data_center" not in told
    assert reading.told_by_answers(None) == {}


SECRETS = """password=one
# iscsi_password = two
OVEHOSTED_ENGINE/adminPassword=str:three
OVEHOSTED_STORAGE/iSCSIDiscoverPassword=multi-str:four
 four again
 and again
OVEHOSTED_VM/cloudinitRootPwd=str:five
he_admin_password: six
PRIVATE_KEY=seven
api-token=eight
proxy=http://bob:nine@proxy.example:3128/
-----BEGIN RSA PRIVATE KEY-----
ten
-----END RSA PRIVATE KEY-----
"""
KEPT = """fqdn=a
password=
OVEHOSTED_STORAGE/iSCSIPortalUser=none:None
OVEHOSTED_VM/rootSshPubkey=str:ssh-ed25519 AAAA token
ca_subject="C=EN, L=Test"
"""


def test_every_secret_is_masked_and_nothing_else():
    text, count = mask(SECRETS + KEPT)
    assert count == 10
    for secret in "one two three four again five six seven eight nine ten".split():
        assert secret not in re.findall(r"\w+", text), secret
    assert text.endswith(KEPT)
    assert "OVEHOSTED_ENGINE/adminPassword=str:***" in text
    assert mask(text) == (text, 0)


def test_a_cut_private_key_is_masked_to_the_end():
    assert mask("a=1\n-----BEGIN PRIVATE KEY-----\nMII") == ("a=1\n***", 1)


def test_values_are_read_as_the_programs_read_them():
    found = values(ANSWERS.decode() + "\nx=\"quoted, too\"\n; y=1\n# z=1\nx2='a'\nhost_id=1\nhost_id=2\nn=int:4\n")
    assert found["OVEHOSTED_NETWORK/fqdn"] == "olvm-engine.bank.example"
    assert found["OVEHOSTED_STORAGE/iSCSIPortalPassword"] == ""
    assert (found["x"], found["x2"], found["host_id"], found["n"]) == ("quoted, too", "a", "2", "4")
    assert not {"y", "z"} & set(found)


def test_an_unmasked_file_has_its_own_hash():
    file = conf_file("x", KEPT.encode())
    assert (file.masked, file.sha256) == (0, sha256(KEPT.encode()))


def test_secrets_do_not_leave_the_host(tmp_path):
    """The real shell and sed. What spans lines goes on to the second mask."""
    place = tmp_path / "answers.conf"
    place.write_text(SECRETS + KEPT)
    done = subprocess.run(commands.masked(str(place)).argv, capture_output=True, text=True, check=True)
    for secret in "one two three five six seven eight".split():
        assert secret not in done.stdout.split(), secret
        assert f"={secret}" not in done.stdout
        assert f":{secret}" not in done.stdout
    assert done.stdout.endswith(KEPT)
    assert mask(done.stdout)[0] == mask(SECRETS + KEPT)[0]
    gone = subprocess.run(commands.masked(str(tmp_path / "no")).argv, capture_output=True, check=False)
    assert gone.returncode != 0
    assert b"No such file" in gone.stderr
    assert gone.stdout == b""


def test_older_answer_files_come_masked_too(tmp_path):
    (tmp_path / "answers-1.conf").write_bytes(ANSWERS)
    (tmp_path / "folder").mkdir()
    argv = [str(tmp_path) if word == commands.SAVED else word for word in commands.HOST["saved"].argv]
    done = subprocess.run(argv, capture_output=True, check=True)
    assert b"Tr0ub4dor" not in done.stdout
    (file,) = reading.saved(out(done.stdout))
    assert file.text == conf_file("", ANSWERS).text


def test_the_commands_only_look_and_travel_in_one_script():
    for group in (commands.HOST, commands.ENGINE):
        assert script(group, "0" * 32, sudo=True)
        for command in group.values():
            text = " ".join(command.argv)
            assert command.argv[0] in {"rpm", "grep", "cat", "uname", "ip", "hostname", "sh", "nproc", "openssl"}
            assert not {"-i", "rm", "tee", "install", "erase", "-e"} & set(command.argv[1:3])
            assert ">" not in text.replace("2>/dev/null", "")


def test_this_machines_own_answers_can_be_read():
    """The parsers against a real kernel's files and tools, where they are."""
    for name, read in {
        "kernel": lambda o: reading.one_line(o, "x"),
        "memory": reading.memory,
        "vcpus": lambda o: reading.whole(o, "x"),
    }.items():
        done = subprocess.run({**commands.HOST, **commands.ENGINE}[name].argv, capture_output=True, check=False)
        assert read(out(done.stdout, done.returncode))
