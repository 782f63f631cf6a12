"""The tar reader, the decompressors and the SQL text reader: against other tools' work, and against anything at all."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import lzma
import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backups.catalog.sqltext import read_sql
from backups.catalog.streams import Broken, Compressor, Hostile, Limits, Unpacked, drain
from backups.catalog.tar import Kind, members
from tests.backups.make_archive import member

LIMITS = Limits()
PACKERS = {Compressor.GZIP: gzip.compress, Compressor.BZIP2: bz2.compress, Compressor.XZ: lzma.compress}


@contextlib.contextmanager
def refused_or_fine():
    """No other exception, and a sentence in the ones there are."""
    try:
        yield
    except (Broken, Hostile) as error:
        if not str(error).endswith("."):
            raise AssertionError(error) from error


def dribble(raw, most=7):
    """A read that gives fewer bytes than were asked for, as pipes do."""
    stream = io.BytesIO(raw)
    return lambda size: stream.read(min(size, most))


def all_of(raw, limits=LIMITS):
    found = []
    for one, body in members(io.BytesIO(raw).read, limits, "It"):
        content = b""
        while piece := body.read(1000):
            content += piece
        found.append((one, content))
    return found


def tar_of(*infos, form=tarfile.GNU_FORMAT, content=b"x"):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=form) as tar:
        for info in infos:
            tar.addfile(info, io.BytesIO(content * info.size))
    return packed.getvalue()


def header(info, **patch):
    """A header with bytes changed and its checksum made anew: at<offset>=bytes."""
    raw = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    for place, content in patch.items():
        at = int(place[2:])
        raw[at : at + len(content)] = content
    raw[148:156] = b" " * 8
    raw[148:156] = b"%06o\0 " % sum(raw)
    return bytes(raw)


names = st.text(st.characters(codec="utf-8", min_codepoint=33, exclude_characters="/\\"), min_size=1, max_size=90)
paths = st.lists(names.filter(lambda name: name not in (".", "..")), min_size=1, max_size=4).map("/".join)


@given(st.lists(st.tuples(paths, st.binary(max_size=2000)), max_size=8), st.sampled_from([0, 1, 2]))
def test_what_tarfile_writes_is_read_back(files, form):
    packed = io.BytesIO()
    written = []
    with tarfile.open(fileobj=packed, mode="w", format=form) as tar:
        for path, content in files:
            info = member(path, len(content))
            try:
                tar.addfile(info, io.BytesIO(content))
            except ValueError:  # ustar holds no such long name
                continue
            written.append((path, content))
    assert [(one.name, content) for one, content in all_of(packed.getvalue())] == written


@given(st.binary(max_size=3000))
def test_any_bytes_are_refused_with_a_sentence(raw):
    for read in (io.BytesIO(raw).read, dribble(raw)):
        with pytest.raises((Broken, Hostile), match=r"\.$"):
            list(members(Unpacked(read, LIMITS, "It").read, LIMITS, "It"))


@settings(max_examples=60)
@given(st.integers(0, 10_000), st.integers(0, 255))
def test_a_changed_byte_never_raises_anything_else(place, value):
    raw = bytearray(tar_of(member("a" * 150, 700), member("b", 9), member("l", kind=tarfile.SYMTYPE, target="a"),
                           form=tarfile.PAX_FORMAT))  # fmt: skip
    raw[place % len(raw)] = value
    with refused_or_fine():
        all_of(bytes(raw))


@settings(max_examples=40)
@given(st.binary(max_size=5000), st.sampled_from(list(PACKERS)), st.integers(0, 9000), st.integers(1, 255))
def test_a_changed_byte_in_a_compressed_stream_is_caught_or_changes_nothing(raw, kind, place, flip):
    packed = bytearray(PACKERS[kind](raw))
    packed[place % len(packed)] ^= flip
    with refused_or_fine():
        stream = Unpacked(io.BytesIO(packed).read, LIMITS, "It")
        if stream.compressor is kind:  # else its magic was hit: it is something else now
            assert exhausted(stream) == raw


def exhausted(stream):
    taken = b""
    while piece := stream.read(1000):
        taken += piece
    return taken


@pytest.mark.parametrize("kind", PACKERS)
def test_a_compressed_stream_is_read_to_its_last_byte(kind):
    raw = bytes(range(256)) * 400
    packed = PACKERS[kind](raw)
    for read in (io.BytesIO(packed).read, dribble(packed)):
        stream = Unpacked(read, LIMITS, "It")
        assert (stream.compressor, stream.peek(300), exhausted(stream)) == (kind, raw[:300], raw)
    for cut in range(len(packed)):
        if cut >= 6:
            with pytest.raises(Broken, match="truncated"):
                drain(Unpacked(io.BytesIO(packed[:cut]).read, LIMITS, "It").read)


@pytest.mark.parametrize("kind", PACKERS)
def test_streams_in_a_row_count_as_one(kind):
    packed = PACKERS[kind](b"one") + bytes(8) + PACKERS[kind](b"two") + bytes(400_000)
    assert exhausted(Unpacked(io.BytesIO(packed).read, LIMITS, "It")) == b"onetwo"
    assert exhausted(Unpacked(dribble(packed, 1), LIMITS, "It")) == b"onetwo"
    with pytest.raises(Broken, match="Something else follows"):
        drain(Unpacked(io.BytesIO(packed + b"x").read, LIMITS, "It").read)


def test_a_peek_beyond_the_end_gives_what_there_is():
    stream = Unpacked(io.BytesIO(b"abc").read, LIMITS, "It")
    assert (stream.peek(10), stream.read(2), stream.read(2), stream.read(2)) == (b"abc", b"ab", b"c", b"")


def test_a_bomb_stops_at_its_limit():
    tight = Limits(ratio=10, floor=100_000)
    stream = Unpacked(io.BytesIO(gzip.compress(bytes(50_000_000))).read, tight, "It")
    with pytest.raises(Hostile, match="as a bomb does"):
        drain(stream.read)
    assert stream.unpacked < 1_000_000
    with pytest.raises(Hostile, match="more than 0 MiB"):
        drain(Unpacked(io.BytesIO(bytes(5000)).read, Limits(total=1000), "It").read)


def test_an_xz_header_that_asks_for_gigabytes_is_refused():
    packed = lzma.compress(b"x", preset=lzma.PRESET_DEFAULT, filters=None)
    huge = lzma.compress(
        b"x", format=lzma.FORMAT_XZ, filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 200 * 1024 * 1024}]
    )
    assert exhausted(Unpacked(io.BytesIO(packed).read, LIMITS, "It")) == b"x"
    with pytest.raises(Broken, match="Memory usage limit"):
        drain(Unpacked(io.BytesIO(huge).read, LIMITS, "It").read)


def test_kinds_and_long_link_names():
    raw = tar_of(member("d/", kind=tarfile.DIRTYPE), member("l", kind=tarfile.SYMTYPE, target="t" * 300),
                 member("h", kind=tarfile.LNKTYPE, target="a"), member("n" * 300, 2))  # fmt: skip
    found = [(one.name, one.kind, one.target) for one, _ in all_of(raw)]
    assert found == [("d", Kind.FOLDER, ""), ("l", Kind.SYMLINK, "t" * 300), ("h", Kind.HARDLINK, "a"),
                     ("n" * 300, Kind.FILE, "")]  # fmt: skip


def test_a_ustar_prefix_and_pax_globals():
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT, pax_headers={"comment": "all"}) as tar:
        tar.addfile(member("p" * 80 + "/" + "n" * 80))
    ustar = tar_of(member("p" * 80 + "/" + "n" * 80), form=tarfile.USTAR_FORMAT)
    assert [[one.name for one, _ in all_of(raw)] for raw in (packed.getvalue(), ustar)] == [
        ["p" * 80 + "/" + "n" * 80]
    ] * 2


def test_a_size_above_8_gib_is_read():
    raw = header(member("a"), at124=b"\x80" + (9 * 2**30).to_bytes(11, "big"))
    one, _ = next(members(io.BytesIO(raw).read, LIMITS, "It"))
    assert one.size == 9 * 2**30


def test_a_sparse_member_is_read_with_its_holes():
    pieces = b"".join(b"%011o\0%011o\0" % (place, 2) for place in (0, 10, 20, 30))
    raw = header(member("s", 8), at156=b"S", at386=pieces, at483=b"%011o\0" % 40)
    hole = bytes(8)
    found = all_of(raw + b"aabbccdd".ljust(512, b"\0") + bytes(1024))
    assert [content for _, content in found] == [hole.join((b"aa", b"bb", b"cc", b"dd")) + hole]


SPARSE = member("s")


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "without the tar end marker"),
        (bytes(512), "without the tar end marker"),
        (bytes(512) + b"x" * 512, "end marker is torn"),
        (bytes(1024) + b"x", "Something follows"),
        (b"z" * 512, "no tar header"),
        (header(member("a"))[:5] + b"b" + header(member("a"))[6:], "checksum"),
        (header(member("a", 600)) + b"x" * 10, "inside a member"),
        (header(member("a"), at156=b"Z"), "unknown kind"),
        (header(member("a"), at124=b"\xff" * 12), "no tar header"),
        (header(member("x", 70_000), at156=b"x"), "a name of 70000 bytes"),
        (header(member("x", 5), at156=b"x") + b"hello".ljust(512, b"\0"), "PAX record is malformed"),
        (header(member("x", 9), at156=b"x") + b"99 path=a".ljust(512, b"\0"), "PAX record is malformed"),
        (header(member("x", 11), at156=b"x") + b"11 size=-1\n".ljust(512, b"\0") + header(SPARSE), "size is no number"),
        (header(member("x", 22), at156=b"x") + b"22 GNU.sparse.major=1\n".ljust(512, b"\0"), "sparse member"),
        (header(SPARSE, at156=b"S", at386=b"00000000000\0" b"00000000005\0", at483=b"00000000004\0"), "does not fit"),
        (header(SPARSE, at156=b"S", at386=b"00000000000\0" b"00000000004\0", at483=b"00000000004\0"), "does not fit"),
        (header(SPARSE, at156=b"S", at482=b"\1") + (bytes(504) + b"\1" + bytes(7)) * 200, "more than 2730 pieces"),
    ],
)  # fmt: skip
def test_a_tar_that_is_wrong_says_how(raw, said):
    with pytest.raises((Broken, Hostile), match=said):
        all_of(raw)


def test_memory_does_not_grow_with_the_archive():
    """10 MB and 200 MB through the same reader: the peak of what Python holds stays flat."""
    import tracemalloc

    def peak(size):
        raw = io.BytesIO(gzip.compress(header(member("big", size)) + bytes(size + -size % 512 + 1024), 1))
        tracemalloc.start()
        stream = Unpacked(raw.read, Limits(ratio=2000), "It")
        assert [one.size for one, _ in members(stream.read, LIMITS, "It")] == [size]
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top

    small, large = peak(10_000_000), peak(200_000_000)
    assert large < small + 1_000_000 < 5_000_000


HEAD = b"--\n-- PostgreSQL database dump\n--\n-- Dumped from database version 15.18 (Debian)\n"
END = b"--\n-- PostgreSQL database dump complete\n--\n\n"


def sql(*parts, step=10_000):
    return read_sql(dribble(HEAD + b"".join(parts) + END, step), "It")


@pytest.mark.parametrize("step", [1, 3, 17, 10_000])
def test_rows_are_counted_whatever_the_pieces(step):
    found = sql(b"COPY public.a (x, y) FROM stdin;\n1\t2\n3\t\\\\.\n\\.\n\n\n",
                b'COPY public."B c" ("p, q") FROM stdin;\n\\.\n',
                b"COPY public.none  FROM stdin;\n\n\n\\.\n", step=step)  # fmt: skip
    assert (found.tables, found.rows, found.server) == (
        frozenset({"public.a", "public.B c", "public.none"}), 4, "15.18"
    )  # fmt: skip


def test_a_newer_pg_dumps_lines_around_the_end_are_known():
    whole = HEAD + b"\n\\restrict abc\n\n" + END + b"\\unrestrict abc\n\n"
    assert read_sql(io.BytesIO(whole).read, "It").rows == 0


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ([b"COPY public.a (x) FROM stdin;\n1\n"], "ends inside the rows"),
        ([b"COPY public.a (x, y) FROM stdin;\n1\n\\.\n"], "do not have its 2 columns"),
        ([b"x" * 1_100_000], "statement line of more than 1 MiB"),
        ([b"\xff"], "not UTF-8"),
        ([b"a\0b"], "NUL"),
    ],
)
def test_a_text_that_is_wrong_says_how(parts, said):
    with pytest.raises(Broken, match=said):
        sql(*parts)


def test_a_text_without_its_end_is_cut():
    with pytest.raises(Broken, match="end marker is missing"):
        read_sql(io.BytesIO(HEAD).read, "It")
