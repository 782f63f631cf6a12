"""Which files are kept: told by their bytes, named without what a path or a header could take for more."""

from __future__ import annotations

import hashlib

import pytest

from failover.catalog.attaching import JPEG, PDF, PNG, TEXT, NotTaken, checked, kind_of, plain

PNG_BYTES = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + b"\x00" * 13
MOST = 1000


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (PNG_BYTES, PNG),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", JPEG),
        (b"%PDF-1.7\n", PDF),
        ("Grüße aus der Konsole\r\n\tok\f".encode(), TEXT),
        (b"<script>alert(1)</script>", TEXT),  # plain text, given out as such and never shown
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rJUNK", None),
        (b"GIF89a", TEXT),
        (b"GIF89a\x00\x01", None),
        (b"MZ\x90\x00\x03", None),
        (b"PK\x03\x04", None),
        (b"\x7fELF", None),
        (b"\xfe\xff\x00a", None),
        (b"bell \x07", None),
        (b" %PDF-1.7\n\x00", None),
    ],
)
def test_the_kind_is_told_by_the_bytes(raw, kind):
    assert kind_of(raw) == kind


@pytest.mark.parametrize(
    ("name", "kind", "kept"),
    [
        ("console.png", PNG, "console.png"),
        ("shot.JPEG", JPEG, "shot.jpg"),
        ("messages.log", TEXT, "messages.txt"),
        ("evil.exe", TEXT, "evil.exe.txt"),
        ("page.html", TEXT, "page.html.txt"),
        ("../../etc/passwd", TEXT, "passwd.txt"),
        ("C:\\temp\\a b (1).pdf", PDF, "a b (1).pdf"),
        ('x"\r\nSet-Cookie: a=b.pdf', PDF, "x___Set-Cookie_ a_b.pdf"),
        ("", PNG, "attachment.png"),
        (".png", PNG, "png.png"),
        ("...", TEXT, "attachment.txt"),
        ("ü" * 300 + ".txt", TEXT, "ü" * 100 + ".txt"),
    ],
)
def test_a_name_is_plain_and_ends_as_its_kind(name, kind, kept):
    assert plain(name, kind) == kept


def test_what_is_kept_carries_its_hash():
    file = checked("a.png", PNG_BYTES, MOST)
    assert (file.name, file.kind, file.sha256) == ("a.png", PNG, hashlib.sha256(PNG_BYTES).hexdigest())


@pytest.mark.parametrize(
    ("raw", "words"),
    [(b"", "is empty"), (b"x" * 1001, "1,001 bytes; at most 1,000"), (b"\x00\x01", "neither a PNG or JPEG picture")],
)
def test_what_is_not_kept_says_why(raw, words):
    with pytest.raises(NotTaken, match=words):
        checked("a.txt", raw, MOST)
