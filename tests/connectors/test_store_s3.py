"""Copies in a bucket, over real HTTP to a server on loopback that keeps versions and object locks."""

from __future__ import annotations

import hashlib
import http.client
import logging
import os
import socket
import ssl
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from portal.connectors.stores import Store, StoreFailed, prove
from portal.connectors.stores.s3 import Bucket, Lock, Patience, S3Store
from portal.connectors.stores.s3_client import client
from portal.kernel.secret import Secret
from tests.fixtures_s3 import Breaking, S3Server
from tests.fixtures_sshd import free_port

pytestmark = pytest.mark.wire
MIB = 1024 * 1024
NAME = "engine-20261122.backup.age"
PART = 5 * MIB
SHORT = Patience(2, 5, 2)


class Stopped(Exception):
    """What a Work raises when its lease is lost."""


def nothing(done: int) -> None:
    """A progress nobody looks at."""


def stop_at(limit: int):
    def progress(done):
        if done >= limit:
            raise Stopped

    return progress


@pytest.fixture(scope="module")
def running():
    made = S3Server()
    yield made
    made.stop()


@pytest.fixture
def server(running):
    running.fault = lambda environ: None
    running.requests.clear()
    connection = http.client.HTTPConnection(running.url.removeprefix("http://"))
    connection.request("POST", "/moto-api/reset")
    assert connection.getresponse().status == 200
    connection.close()
    return running


def place(server, bucket="plain", **changes) -> Bucket:
    return Bucket(server.url, bucket, "portal", Secret("s3cr3t-of-the-bucket"), **changes)


@pytest.fixture
def raw(server):
    made = client(place(server), SHORT)
    made.create_bucket(Bucket="plain")
    made.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
    return made


@pytest.fixture
def store(server, raw) -> S3Store:
    return S3Store("Turku S3", place(server, prefix="holdfast/"), patience=SHORT, part_size=PART)


@pytest.fixture
def local(tmp_path) -> Path:
    path = tmp_path / NAME
    path.write_bytes(os.urandom(3 * PART + 123))
    return path


def sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_copy_arrives_whole_and_is_read_back(store, raw, local):
    seen: list[int] = []
    as_store: Store = store
    held = as_store.put(local, NAME, sha(local), seen.append)
    assert (held.size, held.sha256, held.locked_until) == (3 * PART + 123, "", None)
    assert seen == [PART, 2 * PART, 3 * PART, 3 * PART + 123]
    assert store.held(NAME) == held
    assert store.rehash(NAME, nothing) == sha(local)
    with store.open(NAME) as stream:
        assert (stream.read(7), stream.read()) == (local.read_bytes()[:7], local.read_bytes()[7:])
    assert store.space() is None
    found = raw.head_object(Bucket="plain", Key=f"holdfast/{NAME}")
    assert found["Metadata"] == {"sha256": sha(local)}
    store.remove(NAME)
    store.remove(NAME)
    assert store.held(NAME) is None
    with pytest.raises(StoreFailed, match=r"Turku S3 holds no engine"):
        store.rehash(NAME, nothing)


@pytest.mark.parametrize("size", [1, PART, PART + 1])
def test_sizes_around_a_part(store, tmp_path, size):
    local = tmp_path / "x"
    local.write_bytes(os.urandom(size))
    assert store.put(local, NAME, sha(local), nothing).size == size
    assert store.rehash(NAME, nothing) == sha(local)


@pytest.mark.parametrize("parts", [1, 3, 4])
def test_an_interrupted_put_goes_on_with_the_parts_that_are_there(store, server, raw, local, parts):
    with pytest.raises(Stopped):
        store.put(local, NAME, sha(local), stop_at(min(parts * PART, 3 * PART + 123)))
    assert store.held(NAME) is None
    server.requests.clear()
    store.put(local, NAME, sha(local), nothing)
    assert server.count("PUT", "partNumber") == 4 - parts
    assert server.count("POST", "uploads") == 0
    assert store.rehash(NAME, nothing) == sha(local)
    assert raw.list_multipart_uploads(Bucket="plain").get("Uploads", []) == []


def test_a_kill_during_a_part_leaves_something_to_go_on_from(store, server, local):
    program = (
        "import os, sys\nfrom pathlib import Path\nfrom portal.connectors.stores.s3 import Bucket, S3Store\n"
        "from portal.kernel.secret import Secret\n"
        "place = Bucket(sys.argv[1], 'plain', 'portal', Secret('x'), prefix='holdfast/')\n"
        "S3Store('x', place, part_size=5 * 2**20).put(Path(sys.argv[2]), sys.argv[3], sys.argv[4], lambda done: 0)\n"
    )
    command = [sys.executable, "-c", program, server.url, str(local), NAME, sha(local)]
    process = subprocess.Popen(command)

    def kill(environ):
        if "partNumber=3" in environ["QUERY_STRING"]:
            process.kill()
            process.wait()

    server.fault = kill
    assert process.wait(30) == -9
    server.fault = lambda environ: None
    server.requests.clear()
    store.put(local, NAME, sha(local), nothing)
    assert 1 <= server.count("PUT", "partNumber") <= 2
    assert store.rehash(NAME, nothing) == sha(local)


def test_parts_of_other_content_are_not_built_upon(store, server, raw, local, tmp_path):
    other = tmp_path / "other"
    other.write_bytes(local.read_bytes()[:PART] + os.urandom(2 * PART))
    with pytest.raises(Stopped):
        store.put(other, NAME, sha(other), stop_at(2 * PART))
    raw.create_multipart_upload(Bucket="plain", Key=f"holdfast/{NAME}.other")  # another file's is left alone
    store.put(local, NAME, sha(local), nothing)
    assert store.rehash(NAME, nothing) == sha(local)
    assert raw.head_object(Bucket="plain", Key=f"holdfast/{NAME}")["Metadata"] == {"sha256": sha(local)}
    left = raw.list_multipart_uploads(Bucket="plain").get("Uploads", [])
    assert [each["Key"] for each in left] == [f"holdfast/{NAME}.other"]


def test_a_put_that_is_repeated_finds_its_copy_and_never_writes_over_another(store, server, local, tmp_path):
    store.put(local, NAME, sha(local), nothing)
    server.requests.clear()
    assert store.put(local, NAME, sha(local), nothing).size == 3 * PART + 123
    assert server.count("PUT", "") == 0
    other = tmp_path / "other"
    other.write_bytes(b"another backup")
    with pytest.raises(StoreFailed, match=r"Turku S3 holds another file named .*not overwritten") as caught:
        store.put(other, NAME, sha(other), nothing)
    assert not caught.value.retry
    assert store.rehash(NAME, nothing) == sha(local)


def test_bytes_that_changed_at_the_far_end_are_found_by_reading_them(store, raw, local):
    store.put(local, NAME, sha(local), nothing)
    raw.put_object(Bucket="plain", Key=f"holdfast/{NAME}", Body=bytes(3 * PART + 123), Metadata={"sha256": sha(local)})
    with pytest.raises(StoreFailed, match=r"Turku S3 holds engine.* with other bytes"):
        prove(store, NAME, sha(local), nothing)


def test_a_vault_copy_that_rotted_is_not_copied(store, local):
    wanted = sha(local)
    with local.open("r+b") as file:
        file.write(b"rot")
    with pytest.raises(StoreFailed, match="in the vault is not what was recorded"):
        store.put(local, NAME, wanted, nothing)
    assert store.held(NAME) is None


@pytest.mark.parametrize("mode", ["COMPLIANCE", "GOVERNANCE"])
def test_a_locked_copy_cannot_be_removed_before_its_day(server, raw, local, mode):
    now = datetime(2026, 11, 22, 9, 21, tzinfo=UTC)
    clock = [now]
    store = S3Store("Turku S3", place(server, "locked"), Lock(mode, 4000), patience=SHORT, clock=lambda: clock[0])
    held = store.put(local, NAME, sha(local), nothing)
    assert held.locked_until == now + timedelta(days=4000)
    assert store.held(NAME) == held
    with pytest.raises(
        StoreFailed,
        match=rf"^engine.* at Turku S3 is locked until 04 Nov 2037 09:21 UTC \({mode}\), so it is not removed",
    ) as caught:
        store.remove(NAME)
    assert not caught.value.retry
    (version,) = raw.list_object_versions(Bucket="locked")["Versions"]
    with pytest.raises(ClientError, match="AccessDenied"):  # the far end holds it too
        raw.delete_object(Bucket="locked", Key=NAME, VersionId=version["VersionId"])
    clock[0] = now + timedelta(days=4001)  # the portal's clock is wrong: the far end's counts
    with pytest.raises(StoreFailed, match=r"may not do DeleteObject .*a lock on the object refuses in the same way"):
        store.remove(NAME)
    assert store.rehash(NAME, nothing) == sha(local)


def test_a_lock_that_ended_lets_every_version_go(server, raw, local):
    past = datetime.now(UTC) + timedelta(seconds=3)
    store = S3Store("Turku S3", place(server, "locked"), patience=SHORT)
    store.put(local, NAME, sha(local), nothing)
    raw.delete_object(Bucket="locked", Key=NAME)  # a marker hides it; the bytes are there
    assert store.held(NAME) is None
    store.put(local, NAME, sha(local), nothing)
    raw.put_object_retention(
        Bucket="locked", Key=NAME, Retention={"Mode": "GOVERNANCE", "RetainUntilDate": past - timedelta(seconds=2)}
    )
    time.sleep(1.2)
    store.remove(NAME)
    told = raw.list_object_versions(Bucket="locked")
    assert (told.get("Versions", []), told.get("DeleteMarkers", [])) == ([], [])


def test_a_legal_hold_is_respected(server, raw, local):
    store = S3Store("Turku S3", place(server, "locked"), patience=SHORT)
    store.put(local, NAME, sha(local), nothing)
    raw.put_object_legal_hold(Bucket="locked", Key=NAME, LegalHold={"Status": "ON"})
    with pytest.raises(StoreFailed, match="is under a legal hold"):
        store.remove(NAME)


def test_a_bucket_without_object_lock_is_refused_before_anything_is_sent(server, raw, local):
    store = S3Store("Turku S3", place(server), Lock("COMPLIANCE", 30), patience=SHORT)
    with pytest.raises(StoreFailed, match=r"^The bucket plain at Turku S3 has no object lock") as caught:
        store.put(local, NAME, sha(local), nothing)
    assert not caught.value.retry
    assert server.count("POST", "uploads") == 0


def test_a_lock_that_the_server_drops_is_set_afterwards_or_told(server, raw, local):
    """Some servers take the lock's headers of an upload in parts and forget them."""
    store = S3Store("Turku S3", place(server, "locked"), Lock("COMPLIANCE", 30), patience=SHORT)

    def forget(environ):
        for header in ("HTTP_X_AMZ_OBJECT_LOCK_MODE", "HTTP_X_AMZ_OBJECT_LOCK_RETAIN_UNTIL_DATE"):
            environ.pop(header, None)

    server.fault = forget
    held = store.put(local, NAME, sha(local), nothing)
    assert held.locked_until > datetime.now(UTC) + timedelta(days=29)
    assert server.count("PUT", "retention") == 1

    def ignore(environ):
        forget(environ)
        return ("200 OK", "") if "retention" in environ["QUERY_STRING"] else None

    server.fault = ignore
    with pytest.raises(StoreFailed, match=r"locks it until no day only, not for 30 days"):
        store.put(local, f"{NAME}.2", sha(local), nothing)


def test_a_lock_is_made_longer_when_an_old_upload_is_gone_on_with(server, raw, local):
    then = datetime.now(UTC)
    first = S3Store("S3", place(server, "locked"), Lock("COMPLIANCE", 30), patience=SHORT, part_size=PART)
    with pytest.raises(Stopped):
        first.put(local, NAME, sha(local), stop_at(PART))
    later = then + timedelta(days=20)
    second = S3Store(
        "S3", place(server, "locked"), Lock("COMPLIANCE", 30), patience=SHORT, part_size=PART, clock=lambda: later
    )
    assert second.put(local, NAME, sha(local), nothing).locked_until >= later + timedelta(days=29)


@pytest.mark.parametrize(
    ("status", "code", "said", "retry"),
    [
        ("403 Forbidden", "InvalidAccessKeyId", r"does not take the portal's access key \(InvalidAccessKeyId\)", False),
        ("403 Forbidden", "SignatureDoesNotMatch", r"does not take the portal's access key", False),
        (
            "403 Forbidden",
            "AccessDenied",
            r"may not do \w+ in the bucket plain at Turku S3 \(told by the test\)",
            False,
        ),
        ("403 Forbidden", "RequestTimeTooSkewed", r"has another time than the portal.*NTP", True),
        ("404 Not Found", "NoSuchBucket", r"has no bucket plain\. Create it", False),
        ("507 Insufficient Storage", "XMinioStorageFull", r"Turku S3 is full", False),
        ("400 Bad Request", "QuotaExceeded", r"Turku S3 is full", False),
        ("503 Slow Down", "SlowDown", r"cannot serve now \(SlowDown\)", True),
        ("400 Bad Request", "OddThing", r"refuses CreateMultipartUpload \(OddThing: told by the test\)", False),
    ],
)
def test_every_refusal_is_one_sentence(store, server, local, status, code, said, retry):
    server.fault = lambda environ: (status, code) if environ["REQUEST_METHOD"] == "POST" else None
    with pytest.raises(StoreFailed, match=said) as caught:
        store.put(local, NAME, sha(local), nothing)
    assert caught.value.retry is retry
    assert "s3cr3t" not in str(caught.value)


def test_a_bucket_that_is_not_there(server, raw, local):
    gone = S3Store("Turku S3", place(server, "gone"), patience=SHORT)
    for act in (lambda: gone.put(local, NAME, sha(local), nothing), lambda: gone.held(NAME), lambda: gone.remove(NAME)):
        with pytest.raises(StoreFailed, match="Turku S3 has no bucket gone"):
            act()


def test_a_passing_fault_is_tried_again(store, server, local):
    left = ["503 Slow Down"]
    server.fault = lambda environ: (
        (left.pop(), "SlowDown") if left and "partNumber" in environ["QUERY_STRING"] else None
    )
    store.put(local, NAME, sha(local), nothing)
    assert store.rehash(NAME, nothing) == sha(local)
    assert left == []


def test_a_part_that_the_way_changed_is_refused_by_the_far_end(store, server, local):
    """What is sent carries its own hash."""

    def look(environ):
        if "partNumber" in environ["QUERY_STRING"]:
            assert len(environ["HTTP_CONTENT_MD5"]) == 24
            assert len(environ["HTTP_X_AMZ_CONTENT_SHA256"]) == 64
            sums.append(environ["HTTP_X_AMZ_CONTENT_SHA256"])

    sums: list[str] = []
    server.fault = look
    store.put(local, NAME, sha(local), nothing)
    content = local.read_bytes()
    assert sums == [hashlib.sha256(content[at : at + PART]).hexdigest() for at in range(0, len(content), PART)]


def test_nobody_there_and_somebody_silent_are_worth_another_try(server, local):
    nobody = Bucket(f"http://127.0.0.1:{free_port()}", "plain", "portal", Secret("x"))
    with pytest.raises(StoreFailed, match="Turku S3 does not answer at http") as caught:
        S3Store("Turku S3", nobody, patience=Patience(1, 1, 1)).put(local, NAME, sha(local), nothing)
    assert caught.value.retry
    with socket.create_server(("127.0.0.1", 0)) as silent:
        where = Bucket(f"http://127.0.0.1:{silent.getsockname()[1]}", "plain", "portal", Secret("x"))
        began = time.monotonic()
        with pytest.raises(StoreFailed, match=r"does not answer.*Read timeout") as caught:
            S3Store("Turku S3", where, patience=Patience(0.5, 0.5, 1)).held(NAME)
        assert caught.value.retry
        assert time.monotonic() - began < 4


def test_a_reading_goes_on_where_the_connection_broke(store, server, raw, local):
    store.put(local, NAME, sha(local), nothing)
    way = Breaking(server.url, 4 * MIB, 3)
    try:
        far = S3Store("Turku S3", Bucket(way.url, "plain", "portal", Secret("x"), prefix="holdfast/"), patience=SHORT)
        seen: list[int] = []
        assert far.rehash(NAME, seen.append) == sha(local)
        assert (way.left, seen[-1]) == (0, 3 * PART + 123)
        with pytest.raises(Stopped):
            far.rehash(NAME, stop_at(MIB))
    finally:
        way.stop()


def test_a_reading_without_an_end_to_its_failures_is_given_up(store, server, raw, local):
    store.put(local, NAME, sha(local), nothing)
    way = Breaking(server.url, 2000, 1000)
    try:
        far = S3Store(
            "S3", Bucket(way.url, "plain", "portal", Secret("x"), prefix="holdfast/"), patience=Patience(1, 1, 1)
        )
        with pytest.raises(StoreFailed, match=r"does not answer at .* or the connection was lost") as caught:
            far.rehash(NAME, nothing)
        assert caught.value.retry
    finally:
        way.stop()


def test_an_object_that_changes_while_it_is_read_is_not_mixed(store, server, raw, local):
    store.put(local, NAME, sha(local), nothing)
    way = Breaking(server.url, 4 * MIB, 1)

    def change(done):
        if way.left == 0:
            raw.put_object(Bucket="plain", Key=f"holdfast/{NAME}", Body=b"x" * (3 * PART + 123))

    try:
        far = S3Store("S3", Bucket(way.url, "plain", "portal", Secret("x"), prefix="holdfast/"), patience=SHORT)
        with pytest.raises(StoreFailed, match=r"GetObject \((PreconditionFailed|412)"):
            far.rehash(NAME, change)
    finally:
        way.stop()


def test_an_endpoint_that_is_none_is_a_sentence(server):
    wrong = S3Store("Turku S3", Bucket("turku", "plain", "portal", Secret("x")), patience=SHORT)
    with pytest.raises(StoreFailed, match=r"cannot be used as it is set up \(Invalid endpoint: turku\)") as caught:
        wrong.held(NAME)
    assert not caught.value.retry


@pytest.fixture
def tls(tmp_path):
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=s3 "
        f"-addext subjectAltName=IP:127.0.0.1 -keyout {tmp_path}/key -out {tmp_path}/ca.pem"
    )
    subprocess.run(command.split(), check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "ca.pem", tmp_path / "key")
    made = S3Server(context)
    yield made, str(tmp_path / "ca.pem")
    made.stop()


def test_only_a_certificate_of_the_named_ca_is_trusted(tls, tmp_path):
    server, ca = tls
    local = tmp_path / "x"
    local.write_bytes(b"sealed")
    good = place(server, "tls", ca_file=ca)
    client(good, SHORT).create_bucket(Bucket="tls")
    store = S3Store("Turku S3", good, patience=SHORT)
    store.put(local, NAME, sha(local), nothing)
    assert store.rehash(NAME, nothing) == sha(local)
    stranger = S3Store("Turku S3", place(server, "tls"), patience=SHORT)
    with pytest.raises(StoreFailed, match=r"shows a certificate that does not verify.*nothing is sent") as caught:
        stranger.put(local, NAME, sha(local), nothing)
    assert not caught.value.retry
    wrong = S3Store("Turku S3", place(server, "tls", ca_file=str(tmp_path / "none.pem")), patience=SHORT)
    with pytest.raises(StoreFailed, match="Turku S3 "):
        wrong.held(NAME)


def test_nothing_of_this_accounts_own_aws_setup_is_used(server, raw, local, monkeypatch, tmp_path):
    (tmp_path / "config").write_text("[profile other]\nendpoint_url = http://127.0.0.1:1\nregion = eu-north-1\n")
    for name, value in {
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_PROFILE": "other",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_ACCESS_KEY_ID": "stranger",
        "AWS_SECRET_ACCESS_KEY": "stranger",
    }.items():
        monkeypatch.setenv(name, value)
    seen = []
    server.fault = lambda environ: seen.append(environ.get("HTTP_AUTHORIZATION", ""))
    S3Store("S3", place(server), patience=SHORT).put(local, NAME, sha(local), nothing)
    assert seen
    assert all("Credential=portal/" in each for each in seen)


def test_no_secret_is_logged(server, raw, local, caplog):
    caplog.set_level(logging.DEBUG)
    store = S3Store("S3", place(server), patience=SHORT)
    store.put(local, NAME, sha(local), nothing)
    server.fault = lambda environ: ("403 Forbidden", "SignatureDoesNotMatch")
    with pytest.raises(StoreFailed):
        store.held(NAME)
    own = [record for record in caplog.records if record.name.partition(".")[0] in ("botocore", "urllib3", "portal")]
    assert own == []
    assert "s3cr3t" not in caplog.text + repr(store.__dict__)


MEASURE = """
import resource, sys
from pathlib import Path
from portal.connectors.stores.s3 import Bucket, S3Store
from portal.kernel.secret import Secret
store = S3Store("x", Bucket(sys.argv[1], "plain", "portal", Secret("x")))
store.put(Path(sys.argv[2]), sys.argv[4], sys.argv[3], lambda done: None)
assert store.rehash(sys.argv[4], lambda done: None) == sys.argv[3]
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_stays_flat_at_any_size(server, raw, tmp_path):
    peaks = []
    for size in (9 * MIB, 64 * MIB):
        local = tmp_path / "local"
        local.touch()
        os.truncate(local, size)
        with local.open("rb") as file:
            wanted = hashlib.file_digest(file, "sha256").hexdigest()
        command = [sys.executable, "-c", MEASURE, server.url, str(local), wanted, f"of-{size}"]
        peaks.append(int(subprocess.run(command, capture_output=True, text=True, check=True).stdout))
    assert peaks[1] - peaks[0] < 12_000, peaks  # KiB
