"""Crontabs and scripts as they are found on engine VMs, and what replaces them."""

from __future__ import annotations

import time

import pytest

from backups.catalog.crontab import is_system, read
from backups.catalog.crontab_proposal import Destination, propose
from backups.catalog.crontab_shell import scan
from backups.catalog.retention import RecoveryWindow, Redundancy

NAIVE = b"""#!/bin/bash
# nightly engine backup
BACKUPDIR=/backup/olvm
KEEP=14
find $BACKUPDIR -name '*.tar.bz2' -mtime +$KEEP -delete
engine-backup --mode=backup --scope=all \\
    --file=$BACKUPDIR/engine-$(date +%Y%m%d%H%M%S).tar.bz2 \\
    --log=/var/log/engine-backup-`date +%F`.log >/dev/null 2>&1
rsync -az --delete $BACKUPDIR/ backup@store.bank.example:/srv/olvm/
exit 0
"""
CAREFUL = b"""#!/bin/sh
set -eu
exec 9>/run/lock/engine-backup.lock
flock -n 9 || exit 1
OUT="/var/lib/ovirt-engine-backup/olvm-$(date +%Y%m%dT%H%M%S)-$$.backup"
engine-backup --file="$OUT" --log="${OUT%.backup}.log"
engine-backup --mode=verify --file="$OUT" --log=/var/log/verify.log
age -R /etc/backup/recipients -o "$OUT.age" "$OUT"
scp -q "$OUT.age" vault:/engine/
ls -1t /var/lib/ovirt-engine-backup/*.backup | tail -n +8 | xargs -r rm -f
curl -fsS -m 10 https://hc.bank.example/ping/5f0c
"""


def one(crontab, scripts=None, system=False, zone="Africa/Nairobi"):
    found = propose(crontab, scripts or {}, system=system, zone=zone)
    assert len(found.proposals) == 1, found
    return found.proposals[0]


def keys(proposal):
    return {finding.key for finding in proposal.findings}


def test_the_usual_script_becomes_a_policy():
    crontab = b"MAILTO=root\nSHELL=/bin/bash\n\n30 2 * * * root /root/ovirt-engine-backup.sh >/dev/null 2>&1\n"
    found = one(crontab, {"/root/ovirt-engine-backup.sh": NAIVE}, system=True)
    assert (found.line, found.expression, found.zone, found.user) == (4, "30 2 * * *", "Africa/Nairobi", "root")
    assert found.scopes == ("all",)
    assert found.directory == "/backup/olvm"
    assert found.file_name == "engine-$(date +%Y%m%d%H%M%S).tar.bz2"
    assert found.retention == RecoveryWindow(14)
    assert str(found.retention) == "RECOVERY WINDOW OF 14 DAYS"
    assert found.destinations == (Destination("sftp", "backup@store.bank.example:/srv/olvm/", "rsync"),)
    assert found.mails == ("root",)
    assert found.sources == ("/root/ovirt-engine-backup.sh",)
    assert keys(found) == {
        "deletes_first",
        "no_verify",
        "no_exit_code",
        "no_lock",
        "name_kind",
        "name_seconds",
        "silent",
        "clear",
        "erases",
    }
    assert found.unread == ("Its log file is only known at run time: /var/log/engine-backup-$(date +%F).log.",)


def test_a_careful_script_is_told_little():
    found = one(b"CRON_TZ=UTC\n@daily /opt/backup.sh\n", {"/opt/backup.sh": CAREFUL})
    assert (found.expression, found.zone, found.user) == ("0 0 * * *", "UTC", "")
    assert found.directory == "/var/lib/ovirt-engine-backup"
    assert found.retention == Redundancy(7)
    assert found.destinations == (Destination("sftp", "vault:/engine/", "scp"),)
    assert found.encrypted
    assert found.heartbeats == ("https://hc.bank.example/ping/5f0c",)
    assert keys(found) == {"deletes_unproven"}


def test_a_percent_sign_without_a_backslash_cuts_the_command():
    found = one(b"0 3 * * * engine-backup --file=/b/e-$(date +%F).tgz && find /b -mtime +7 -delete\n")
    assert "percent" in keys(found)
    assert found.retention is None
    assert any("--file" not in sentence for sentence in found.unread)


def test_a_command_in_the_crontab_itself():
    found = one(
        rb"0 3 * * 1-5 flock -n /run/b.lock engine-backup --scope=db --scope=files --file=/b/e-$(date +\%F).tgz"
    )
    assert found.scopes == ("db", "files")
    assert (found.directory, found.file_name) == ("/b", "e-$(date +%F).tgz")
    assert keys(found) == {"no_verify", "no_exit_code", "name_coarse", "scope", "no_copy"}
    assert "It deletes nothing: it keeps every archive until the disk is full. Choose the retention." in found.unread


def test_a_bare_call_takes_everything_into_the_usual_folder():
    found = one(b"15 4 * * * engine-backup", zone="")
    assert (found.scopes, found.directory, found.file_name) == (("all",), "/var/lib/ovirt-engine-backup", "")
    assert "name_seconds" in keys(found)
    assert found.zone == ""
    assert "The time zone is not known: the schedule means the engine VM's. Name it." in found.unread


def test_small_size_and_a_fixed_name():
    script = b"""if ! engine-backup --small-size --file=/tmp/engine.xz --log=/tmp/l; then
mail -s bad dba@bank.example </dev/null; fi
"""
    found = one(b'MAILTO=""\n0 1 * * * /b.sh\n', {"/b.sh": script})
    assert keys(found) == {"no_verify", "no_lock", "name_fixed", "small_size", "tmp", "no_copy"}
    assert found.mails == ("dba@bank.example",)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b"engine-backup --mode=backup --db-password=hunter2 --file=/b/x", "engine-backup --db-password=***"),
        (b"engine-backup --file=/b/x; sshpass -p hunter2 scp /b/x h:/b/", "sshpass -p ***"),
        (b"engine-backup --file=/b/x; curl -u bob:hunter2 -T /b/x https://h.example/b/", "curl --user ***"),
        (b"engine-backup --file=/b/x; curl -T /b/x ftp://bob:hunter2@h.example/b/", "curl with a password"),
    ],
)
def test_a_password_in_argv_is_told_and_not_repeated(line, told):
    found = one(b"0 1 * * * " + line)
    (sentence,) = [one.sentence for one in found.findings if one.key == "password"]
    assert told in sentence
    assert "hunter2" not in " ".join((sentence, *found.unread))


def test_functions_run_where_they_are_called():
    script = b"""
cleanup() {
    find "$DIR" -type f -mtime +30 -print0 | xargs -0 rm -f
}
function take {
    engine-backup --mode=backup --file="$DIR/engine_`date +%s`.gz" --log=/var/log/e.log || exit 1
}
DIR=/srv/e
take
cleanup
"""
    found = one(b"0 1 * * * root bash -x /srv/b.sh\n", {"/srv/b.sh": script}, system=True)
    assert found.retention == RecoveryWindow(30)
    assert "deletes_unproven" in keys(found)
    assert "deletes_first" not in keys(found)
    assert "no_exit_code" not in keys(found)


def test_variables_of_the_crontab_and_defaults_are_put_in():
    crontab = b'DEST = "/mnt/nfs/olvm"\n0 1 * * * /s.sh\n'
    script = b"""D=${WHERE:-/var/backup}
engine-backup --file=$D/e-$RANDOM.bkp
[ $? -eq 0 ] || exit 2
cp $D/e-*.bkp $DEST/
"""
    found = one(crontab, {"/s.sh": script})
    assert found.directory == "/var/backup"
    assert found.destinations == (Destination("directory", "/mnt/nfs/olvm/", "cp"),)
    assert "no_exit_code" not in keys(found)


def test_a_command_over_ssh_is_read_too():
    found = one(b"0 1 * * * ssh -i /root/.ssh/k root@engine 'engine-backup --file=/b/e.bkp && scp /b/e.bkp h:/b/'\n")
    assert found.destinations == (Destination("sftp", "h:/b/", "scp"),)
    assert "no_exit_code" not in keys(found)


def test_maintenance_a_stopped_engine_and_a_restore_are_told():
    script = b"""hosted-engine --set-maintenance --mode=global
systemctl stop ovirt-engine.service
engine-backup --file=/b/e-$$
engine-backup --mode=restore --file=/b/e
systemctl start ovirt-engine
"""
    assert {"maintenance", "stops_engine", "restore"} <= keys(one(b"0 1 * * * /s", {"/s": script}))


@pytest.mark.parametrize(
    ("line", "kind", "where", "by"),
    [
        (b"aws s3 cp /b/e s3://bucket/olvm/", "s3", "s3://bucket/olvm/", "aws"),
        (b"rclone copy /b/e vault:olvm", "other", "vault:olvm", "rclone"),
        (b"curl -T /b/e https://dav.example/olvm/", "other", "https://dav.example/olvm/", "curl"),
        (b"sftp -b /root/batch -i /root/k backup@store", "sftp", "backup@store", "sftp"),
        (b"rsync -a /b/e rsync://store/olvm", "other", "rsync://store/olvm", "rsync"),
        (b"mv /b/e /mnt/nas/", "directory", "/mnt/nas/", "mv"),
    ],
)
def test_where_copies_go(line, kind, where, by):
    found = one(b"0 1 * * * engine-backup --file=/b/e; " + line)
    assert found.destinations == (Destination(kind, where, by),)
    assert "clear" in keys(found)


@pytest.mark.parametrize(
    "line", [b"cp /b/e /b/old/", b"cp /b/e e2", b"mv /b/e /dev/null", b"dd if=/b/e of=/x", b"sftp -b x", b"aws s3 ls"]
)
def test_what_goes_nowhere_is_no_copy(line):
    assert "no_copy" in keys(one(b"0 1 * * * engine-backup --file=/b/e; " + line))


@pytest.mark.parametrize(
    ("line", "retention"),
    [
        (b"find /b -mmin +20160 -exec rm -f {} \\;", RecoveryWindow(14)),
        (b"find /b -mmin +10 -delete", RecoveryWindow(1)),
        (b"find /var/log -mtime +3 -delete; find /b -ctime +9 -delete", RecoveryWindow(9)),
        (b"ls -t /b/* | tail -n+15 | xargs rm", Redundancy(14)),
        (b"ls -t /b/* | head -3 | xargs rm", None),
        (b"rm -rf /b/old-*", None),
        (b"find /b -mtime +3 -print", None),
        (b"ls -t /b | tail -n +3", None),
    ],
)
def test_what_deletions_come_to(line, retention):
    assert one(b"0 1 * * * engine-backup --file=/b/e-$$; " + line).retention == retention


def test_what_is_only_known_at_run_time_is_said():
    script = b""". /etc/sysconfig/backup
eval "$CMD"
$TOOL --go
engine-backup --file=$D/e-$$ --log=$L --scope=db --scope=nonsense
rm -f $OLD
rsync -a $D/ $FAR
/opt/other/thing
send.sh
engine-backup --scope=files --file=/x
"""
    found = one(b"0 1 * * * /s", {"/s": script})
    assert (found.directory, found.log, found.scopes) == ("", "", ("db",))
    told = " ".join(found.unread)
    for part in (
        "/etc/sysconfig/backup, which was not given",
        "Line 2 builds a command at run time",
        "Line 3 calls a program that is only known at run time",
        "Its folder is only known at run time: $D",
        "Its log file is only known at run time: $L",
        "The scope nonsense is none that engine-backup has",
        "Line 5 removes what is only known at run time",
        "rsync copies to a place that is only known at run time: $FAR",
        "It calls /opt/other/thing, send.sh, which was not given",
        "It calls engine-backup 2 times",
    ):
        assert part in told, part


def test_entries_that_do_something_else():
    crontab = b"""# comment
0 * * * * root /usr/sbin/chronyc tracking
@reboot root /sbin/x
@sometimes root /sbin/x
61 * * * * root /sbin/x
* * * root
0 1 * * * root
0 1 * * * 0root /x
-*/5 1 * * mon root /opt/engine.sh
not a line
"""
    found = propose(crontab, {}, system=True)
    assert found.proposals == ()
    assert found.others == (2, 9)
    assert [sentence.split(":")[0] for sentence in found.unread] == [
        "Line 3 of the crontab runs at boot, which no schedule replaces",
        "Line 4 of the crontab is no entry that can be read",
        "Line 5 of the crontab is no entry that can be read",
        "Line 6 of the crontab is no entry that can be read",
        "Line 7 of the crontab has no user and command where a system crontab has them",
        "Line 8 of the crontab has no user and command where a system crontab has them",
        "Line 10 of the crontab is no entry that can be read",
        "Line 2 calls /usr/sbin/chronyc, not given",
        "Line 9 calls /opt/engine.sh, not given",
    ]


def test_several_entries_give_several_proposals():
    crontab = b"""0 1 * * * engine-backup --file=/b/e-$$
CRON_TZ=Europe/Vienna
0 13 * * * engine-backup --scope=db --file=/b/d-$$
"""
    found = propose(crontab, {}, system=False, zone="UTC")
    assert [(one.line, one.zone, one.scopes) for one in found.proposals] == [
        (1, "UTC", ("all",)),
        (3, "Europe/Vienna", ("db",)),
    ]


@pytest.mark.parametrize(
    "raw",
    [
        b"\x7fELF\x02\x01",
        b"\xff\xfe0 1 * * *",
        b"0 1 * * * x\0y",
        b"# " + b"x" * 300_000,
        b"\r\n\r\n",
        b"",
        b"@",
        b"-",
        b"@daily",
    ],
)
def test_a_crontab_that_is_none_gives_nothing(raw):
    found = propose(raw, {}, system=False)
    assert found.proposals == ()
    assert bool(found.unread) == bool(raw.strip())


@pytest.mark.parametrize(
    ("script", "told"),
    [
        (b"\x7fELF" + b"\0" * 100, "/s is a program, not text, so it is not read."),
        (b"\xc3\x28", "/s is not UTF-8 (byte 0), so it is not read."),
        (b"#" * 300_000, "/s has more than 64000 bytes, so it is not read."),
        (b"echo 'open", "A ' in line 1 is not closed: the rest is not understood."),
        (b'echo "open', "A quotation mark is not closed before line 1: the rest is not understood."),
    ],
)
def test_a_script_that_cannot_be_read_is_said(script, told):
    found = one(b"0 1 * * * /s; engine-backup --file=/b/e", {"/s": script})
    assert told in found.unread


def test_nothing_of_a_hostile_script_is_run_or_grows(tmp_path):
    marker = tmp_path / "ran"
    bomb = b"A=xxxxxxxxxx\n" + b"".join(b"%c=$%c$%c$%c$%c\n" % ((66 + n,) + (65 + n,) * 4) for n in range(20))
    script = bomb + b"engine-backup --file=/b/$(touch %s)$U --log=`touch %s`\n/s\n" % ((str(marker).encode(),) * 2)
    found = one(b"0 1 * * * /s", {"/s": script})
    assert not marker.exists()
    assert len(found.file_name) <= 120
    assert found.sources == ("/s",)


def test_control_characters_do_not_reach_the_screen():
    found = one("0 1 * * * engine-backup --file=/b/\x1b[31mred\u202egpj; /opt/\u202ex\n".encode())
    shown = f"{found}"
    assert "\x1b" not in shown
    assert "\\x1b" not in shown
    assert "\u202e" not in shown


def test_a_script_that_calls_itself_ends():
    found = one(b"0 1 * * * /s", {"/s": b"engine-backup --file=/b/e-$$\n/s\n"})
    assert found.sources == ("/s",)
    huge = propose(b"0 1 * * * /s", {"/s": b"true;" * 12_000}, system=False)
    assert huge.proposals == ()


def test_system_crontabs_are_known_by_their_place():
    assert is_system("/etc/crontab")
    assert is_system("/etc/cron.d/engine")
    assert not is_system("/var/spool/cron/root")


def test_what_follows_a_percent_sign_is_stdin():
    (entry,) = read(rb"0 1 * * * mail -s 100\% root%first%second \\%", system=False).entries
    assert entry.command == "mail -s 100% root"
    assert entry.cut == "first\nsecond \\\\\n"


def words(text):
    return [one.words for one in scan(text).commands]


def test_the_shell_is_split_as_sh_splits_it():
    assert words("a 'b c' \"d e\" f\\ g # no") == [("a", "b c", "d e", "f g")]
    assert words("a;b&&c||d|e&f") == [("a",), ("b",), ("c",), ("d",), ("e",), ("f",)]
    assert words("a <<EOF >x\n$B no\nEOF\nb <<-'E'\n\tno\n\tE\nc") == [("a",), ("b",), ("c",)]
    assert words("a 2>/dev/null >>l 2>&1 &>m <i <<<w b") == [("a", "b")]
    assert words('echo "a\\"b \\n $(c "d") `e`" \'$X\'')[0][:2] == ("echo", 'a"b \\n $(c "d") $(e)')
    assert words("X=1 Y=$X-2 run $Y ${Z:-def} ${Q}") == [("run", "1-2", "def", "${Q}")]
    assert words("export A=1 B; readonly C=2\nrun $A$C $B") == [("run", "12", "$B")]
    assert words("a $((1 + (2))) b") == [("a", "$((1 + (2)))", "b")]
    assert words("a \\\n b ''") == [("a", "b", "")]
    assert words("a $(b") == [("a", "$(b)")]
    assert words("(cd /x; tar c .)") == [("cd", "/x"), ("tar", "c", ".")]
    assert words("a <<E\nnever ends") == [("a",)]
    assert words("X=$X$X$X; a $X")[0][0] == "a"


def test_locks_by_hand_and_checks_further_down_count():
    locked = (
        b"mkdir /run/backup.lock || exit 1\n",
        b"if [ -e /run/backup.pid ]; then exit; fi\n",
        b"lockfile -r 0 /run/x.lock\n",
        b"exec 9>/run/x\nflock -n 9\n",
    )
    for script in locked:
        assert "no_lock" not in keys(one(b"0 1 * * * /s", {"/s": script + b"engine-backup --file=/b/e-$$\n"})), script
    far = b"engine-backup --file=/b/e-$$\ntrue\n[ $? -eq 0 ]\n[ -d /b ]\n"
    assert {"no_lock", "no_exit_code"} <= keys(one(b"0 1 * * * /s", {"/s": far}))


@pytest.mark.parametrize(
    "entry",
    [
        b"bash -c 'flock -n /run/l engine-backup --file=/b/e-$$ || logger failed'",
        b"flock -n /run/l -c 'engine-backup --file=/b/e-$$ || logger failed'",
        b"flock -n /run/l /s",
        b"sudo -u root nice -n 19 flock -w 5 /run/l timeout -k 5 3600 sh -e /s",
    ],
)
def test_what_stands_before_a_command_is_looked_through(entry):
    found = one(b"0 1 * * * " + entry, {"/s": b"engine-backup --file=/b/e-$$ || exit 1\n"})
    assert not {"no_lock", "no_exit_code"} & keys(found)


def test_a_script_whose_exit_code_the_caller_looks_at():
    found = one(b"0 1 * * * if /s; then true; fi", {"/s": b"engine-backup --file=/b/e-$$\n"})
    assert "no_exit_code" not in keys(found)
    assert keys(one(b"0 1 * * * /e; engine-backup --file=/b/e-$$", {"/e": b"# nothing\n"})) >= {"no_copy"}


def test_a_script_that_is_only_spoken_of_is_not_read():
    found = one(b"0 1 * * * echo /s; engine-backup --file=/b/e-$$; ssh host", {"/s": NAIVE})
    assert found.sources == ()


def test_other_words_of_the_same_programs():
    script = b"""openssl x509 -in /b/ca.pem
openssl enc -aes256 -in /b/e -out /b/e.enc
curl --version
set -x
systemctl restart ovirt-engine
hosted-engine --vm-status
export PATH=/usr/bin
timeout -k
engine-backup --file=/b/e-$$ positional
"""
    found = one(b"0 1 * * * /s", {"/s": script})
    assert found.encrypted
    assert not {"maintenance", "stops_engine"} & keys(found)
    assert "no_exit_code" in keys(found)


def test_a_name_that_is_all_unknown_is_not_judged():
    found = one(b"0 1 * * * engine-backup --file=/b/$NAME")
    assert not {"name_fixed", "name_seconds", "name_coarse"} & keys(found)
    assert "name_fixed" in keys(one(b"0 1 * * * engine-backup --file=e.bkp"))
    assert one(b"0 1 * * * engine-backup --file=/e.bkp").directory == "/"


@pytest.mark.parametrize(
    "text",
    [
        b"x" * 60_000,
        b"a|" * 30_000,
        b"$A" * 30_000,
        b"A=$A$A$A$A$A;" * 4_500,
        b"f(){ " + b"f;" * 30_000 + b"}\nf\n",
        b"/s;" * 20_000,
        b"$(" * 30_000,
        b"<<E\n" * 15_000,
        b'"' * 59_999,
        b"f()" * 20_000,
        b"{ " * 30_000,
        b"-" * 60_000,
        b"sudo " * 12_000,
    ],
)
def test_a_script_made_to_take_for_ever_does_not(text):
    began = time.process_time()
    found = propose(b"0 1 * * * /s", {"/s": text}, system=False)
    assert found.proposals == ()
    assert time.process_time() - began < 5


def test_odd_ends():
    assert one(b"0 1 * * * engine-backup --file=/b/e-$$; rm -f /b/x; cp /b/e; ssh -i", zone="UTC").retention is None
    assert "silent" in keys(one(b"MAILTO=\n0 1 * * * engine-backup --file=/b/e-$$"))
    assert one(b"0 1 * * * timeout -k; ssh -q host; engine-backup --file=/b/e-$$").line == 1
