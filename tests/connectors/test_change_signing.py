"""Signatures: what is good, and each way of being bad."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from portal.connectors.change.signing import (
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    TOLERANCE,
    BadSignature,
    Flaw,
    sign,
    verify,
)
from portal.kernel.secret import Secret

OLD, NEW, OTHER = Secret("old-key-0123456789"), Secret("new-key-0123456789"), Secret("other-key-0123456789")
AT = 1_795_000_000
BODY = b'{"number": "CHG0030004"}'


def mark(key: Secret, at: int = AT, body: bytes = BODY) -> str:
    return "v1=" + hmac.new(key.reveal().encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()


def test_a_message_is_signed_with_every_key_over_timestamp_and_body():
    headers = sign([OLD, NEW], AT, BODY)
    assert headers[TIMESTAMP_HEADER] == str(AT)
    assert headers[SIGNATURE_HEADER].split(",") == [mark(OLD), mark(NEW)]


@pytest.mark.parametrize(
    ("keys", "signature", "key"),
    [
        ([OLD], mark(OLD), 0),
        ([NEW, OLD], mark(OLD), 1),  # the other side has not changed its key yet
        ([NEW, OLD], mark(NEW), 0),
        ([NEW], f"{mark(OLD)}, {mark(NEW)}", 0),  # the other side signs with both
        ([NEW], mark(NEW).replace("v1=", "v1=").upper().replace("V1", "v1"), 0),
    ],
)
def test_either_key_is_good_during_rotation(keys, signature, key):
    signed = verify(keys, str(AT), signature, BODY, AT + 10)
    assert (signed.key, signed.at) == (key, AT)


def test_one_message_has_one_digest_whatever_the_keys():
    one = verify([OLD], str(AT), mark(OLD), BODY, AT)
    same = verify([NEW, OLD], str(AT), mark(OLD), BODY, AT + 5)
    later = verify([OLD], str(AT + 1), mark(OLD, AT + 1), BODY, AT + 5)
    assert one.digest == same.digest != later.digest


@pytest.mark.parametrize(
    ("keys", "stamp", "signature", "flaw"),
    [
        ([], str(AT), mark(OLD), Flaw.NO_KEY),
        ([Secret("")], str(AT), mark(Secret("")), Flaw.NO_KEY),
        ([Secret("short")], str(AT), mark(Secret("short")), Flaw.NO_KEY),
        ([OLD], str(AT), "", Flaw.UNSIGNED),
        ([OLD], "", mark(OLD), Flaw.UNSIGNED),
        ([OLD], str(AT), "   ", Flaw.UNSIGNED),
        ([OLD], str(AT), "sha256=" + "0" * 64, Flaw.MALFORMED),
        ([OLD], str(AT), "v1=" + "0" * 63, Flaw.MALFORMED),
        ([OLD], str(AT), "v1=" + "g" * 64, Flaw.MALFORMED),
        ([OLD], str(AT), mark(OLD) + ",", Flaw.MALFORMED),
        ([OLD], str(AT), ",".join([mark(OLD)] * 5), Flaw.MALFORMED),
        ([OLD], "yesterday", mark(OLD), Flaw.MALFORMED),
        ([OLD], f"{AT}.5", mark(OLD), Flaw.MALFORMED),
        ([OLD], f"-{AT}", mark(OLD), Flaw.MALFORMED),
        ([OLD], "١٧٩٥٠٠٠٠٠٠", mark(OLD), Flaw.MALFORMED),
        ([OLD], "9" * 400, mark(OLD), Flaw.MALFORMED),
        ([OLD], str(AT), mark(OTHER), Flaw.WRONG_KEY),
        ([OLD, NEW], str(AT), mark(OTHER), Flaw.WRONG_KEY),
        ([OLD], str(AT + 1), mark(OLD), Flaw.WRONG_KEY),  # the timestamp was changed
    ],
)
def test_what_is_refused(keys, stamp, signature, flaw):
    with pytest.raises(BadSignature) as caught:
        verify(keys, stamp, signature, BODY, AT)
    assert caught.value.flaw == flaw
    assert "key-0123456789" not in str(caught.value)


def test_a_changed_body_is_refused():
    with pytest.raises(BadSignature) as caught:
        verify([OLD], str(AT), mark(OLD), BODY + b" ", AT)
    assert caught.value.flaw == Flaw.WRONG_KEY


@pytest.mark.parametrize("apart", [TOLERANCE + 1, 86_400, -TOLERANCE - 1, -86_400])
def test_a_message_from_another_time_is_stale(apart):
    with pytest.raises(BadSignature, match=r"old|ahead") as caught:
        verify([OLD], str(AT), mark(OLD), BODY, AT + apart)
    assert caught.value.flaw == Flaw.STALE


@pytest.mark.parametrize("apart", [-TOLERANCE, 0, TOLERANCE])
def test_clocks_may_differ_a_little(apart):
    assert verify([OLD], str(AT), mark(OLD), BODY, AT + apart).at == AT


def test_a_stale_message_with_a_wrong_key_is_not_called_stale():
    """Nobody without a key learns how the clocks stand."""
    with pytest.raises(BadSignature) as caught:
        verify([OLD], str(AT), mark(OTHER), BODY, AT + 86_400)
    assert caught.value.flaw == Flaw.WRONG_KEY


def test_nothing_is_signed_without_a_key():
    with pytest.raises(BadSignature) as caught:
        sign([Secret("short")], AT, BODY)
    assert caught.value.flaw == Flaw.NO_KEY
