"""Secrets at rest and on every way out."""

from __future__ import annotations

import copy
import io
import json
import logging
import pickle
import sys
import traceback

import pytest
from cryptography.fernet import Fernet
from django.core import serializers
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection
from django.template import Context, Template
from django.views.debug import ExceptionReporter
from hypothesis import given
from hypothesis import strategies as st

from inventory.models import Engine, Site
from portal.access import sealed
from portal.evidence.models import Record
from portal.kernel.secret import Secret

TIGER = "tiger-in-the-tank"


def key():
    return Fernet.generate_key().decode()


@pytest.fixture
def engine(db, settings):
    settings.HOLDFAST_SEAL_KEYS = [key()]
    site = Site.objects.create(name="north")
    return Engine.objects.create(
        site=site, name="e1", url="https://e1/ovirt-engine/api", username="admin@internal", password=Secret(TIGER)
    )


def raw(column="password"):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM inventory_engine ORDER BY id")
        return [row[0] for row in cursor.fetchall()]


def test_the_database_holds_ciphertext_only(engine):
    (stored,) = raw()
    assert TIGER not in stored
    assert stored.startswith("gAAAA")
    assert raw("ssh_private_key") == [""]
    read = Engine.objects.get()
    assert read.password.reveal() == TIGER
    assert not read.ssh_private_key


def test_saving_a_row_leaves_its_ciphertext_alone(engine):
    before = raw()
    Engine.objects.get().save()
    assert raw() == before
    changed = Engine.objects.get()
    changed.password = Secret("other")
    changed.save()
    assert Engine.objects.get().password == Secret("other") == Secret("other")
    assert hash(Engine.objects.get().password) == hash(Secret("other"))


def test_a_row_can_be_read_without_its_key_and_revealing_gives_a_sentence(engine, settings):
    settings.HOLDFAST_SEAL_KEYS = [key()]
    read = Engine.objects.select_related("site").get()
    read.name = "renamed"
    read.save()
    assert bool(read.password)
    with pytest.raises(ValueError, match=r"fits none of the keys in HOLDFAST_SEAL_KEYS: add the old key"):
        read.password.reveal()


@pytest.mark.parametrize(("keys", "sentence"), [([], "is empty"), (["short"], "no Fernet key")])
def test_bad_keys_get_a_sentence(engine, settings, keys, sentence):
    settings.HOLDFAST_SEAL_KEYS = keys
    with pytest.raises(ImproperlyConfigured, match=sentence) as caught:
        Engine.objects.get().password.reveal()
    assert "short" not in str(caught.value)


def test_rotation_turns_every_secret_and_can_be_repeated(engine, settings):
    old = settings.HOLDFAST_SEAL_KEYS[0]
    for number in range(2, 5):
        Engine.objects.create(
            site=engine.site, name=f"e{number}", url="https://x", username="u", password=Secret(TIGER)
        )
    engine.ssh_private_key = Secret("pem")
    engine.save()
    new = key()
    settings.HOLDFAST_SEAL_KEYS = [new, old]
    # as after an interruption: one is turned already
    one = Engine.objects.get(name="e3")
    one.password = Secret(TIGER)
    one.save()
    out = io.StringIO()
    call_command("rotate_seal_keys", stdout=out)
    assert out.getvalue() == "4 secrets re-encrypted, 1 were already.\n"
    settings.HOLDFAST_SEAL_KEYS = [new]
    assert {row.password.reveal() for row in Engine.objects.all()} == {TIGER}
    assert Engine.objects.get(pk=engine.pk).ssh_private_key.reveal() == "pem"
    out = io.StringIO()
    call_command("rotate_seal_keys", stdout=out)
    assert out.getvalue() == "0 secrets re-encrypted, 5 were already.\n"
    assert Record.objects.filter(kind="secrets.rotated").last().body == {"turned": 0, "already": 5, "stuck": []}


def test_rotation_names_what_fits_no_key(engine, settings):
    settings.HOLDFAST_SEAL_KEYS = [key()]
    with pytest.raises(CommandError, match=rf"1 secrets fit no key: inventory_engine.password #{engine.pk}"):
        call_command("rotate_seal_keys", stdout=io.StringIO())
    assert Record.objects.get().body["stuck"] == [f"inventory_engine.password #{engine.pk}"]


def kinds_of_secret():
    return [Secret(TIGER), sealed.SealedSecret(sealed.seal(Secret(TIGER)))]


@pytest.mark.parametrize("index", [0, 1], ids=["plain", "sealed"])
def test_a_secret_prints_as_stars(settings, index, caplog):
    settings.HOLDFAST_SEAL_KEYS = [key()]
    secret = kinds_of_secret()[index]
    caplog.set_level(logging.INFO)
    logging.getLogger("x").info("%s %r %s", secret, {"a": secret}, f"{secret:>9}")
    shown = caplog.text + repr(secret) + str(secret) + Template("{{ s }}{{ s|safe }}").render(Context({"s": secret}))
    assert TIGER not in shown
    assert "***" in shown
    for dump in (lambda: pickle.dumps(secret), lambda: copy.deepcopy(secret)):
        with pytest.raises(TypeError, match="not pickled"):
            dump()
    for encoder in (json.JSONEncoder, DjangoJSONEncoder):
        with pytest.raises(TypeError):
            json.dumps({"a": secret}, cls=encoder)


@pytest.mark.parametrize("index", [0, 1], ids=["plain", "sealed"])
def test_a_traceback_with_locals_shows_stars(settings, rf, index):
    settings.HOLDFAST_SEAL_KEYS = [key()]
    secret = kinds_of_secret()[index]
    try:
        raise RuntimeError(f"could not use {secret}")
    except RuntimeError:
        info = sys.exc_info()
    text = "".join(traceback.TracebackException(*info, capture_locals=True).format())
    page = ExceptionReporter(rf.get("/"), *info).get_traceback_html()
    assert "secret" in text
    assert TIGER not in text + page


def test_dumpdata_and_values_show_stars(engine):
    assert TIGER not in serializers.serialize("json", Engine.objects.all())
    assert TIGER not in repr(list(Engine.objects.values()))


@given(st.text(alphabet=st.characters(codec="utf-8")))
def test_sealing_brings_back_what_went_in(text):
    assert sealed.unseal(sealed.seal(Secret(text))).reveal() == text
