"""The answer about all LUNs is added up from what each look was judged to add, and never believed for longer."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from inventory.models import DeclaredPath, Host, Look
from inventory.services.pages_redundancy import redundancy
from inventory.verdicts.answer import Word
from portal.kernel.freshness import GRACE_SECONDS, allowed_age
from tests.ui import world

pytestmark = pytest.mark.django_db


def look_of(name: str) -> Look:
    return Look.objects.get(host__name=name, probe="multipath")


def asked(name: str):
    return redundancy(timezone.now(), [Host.objects.get(name=name).pk])


def test_hosts_are_added_up():
    world.build("calm", 4)
    found = asked("kvm03")
    declared = DeclaredPath.objects.count()
    assert found.answer.word is Word.YES
    assert found.answer.sentence.startswith(f"4 hosts see {declared} of {declared} declared paths.")
    (part,) = found.parts.values()
    assert (part.hosts, part.working) == (1, DeclaredPath.objects.filter(host__name="kvm03").count())


def test_a_look_that_grew_too_old_is_not_known_without_anybody_writing_so():
    world.build("calm", 3)
    age = timedelta(seconds=allowed_age(3) + 1)
    Look.objects.filter(pk=look_of("kvm02").pk).update(at=timezone.now() - age)
    found = asked("kvm02")
    assert found.answer.word is Word.NOT_KNOWN
    assert found.answer.sentence.startswith("The LUN paths of kvm02 are not known now: see its look at multipath.")
    assert found.parts == {}
    assert "2 hosts see" in found.answer.sentence
    assert found.oldest == look_of("kvm02").at


def test_a_look_of_the_future_is_not_believed():
    world.build("calm", 2)
    Look.objects.filter(probe="multipath").update(at=timezone.now() + timedelta(seconds=GRACE_SECONDS + 30))
    assert redundancy(timezone.now()).answer.word is Word.NOT_KNOWN


@pytest.mark.parametrize("kept", [None, {}, {"hosts": 1, "working": 32, "declared": 32, "shared": 0}])
def test_a_brief_that_is_missing_or_of_another_version_is_not_known(kept):
    world.build("calm", 2)
    Look.objects.filter(pk=look_of("kvm01").pk).update(brief=kept)
    found = asked("kvm01")
    assert found.answer.word is Word.NOT_KNOWN
    assert "The LUN paths of kvm01 are not known now" in found.answer.sentence
    assert found.parts == {}


def test_a_host_that_falls_silent_takes_its_brief_with_it():
    engine = world.build("calm", 2)
    assert look_of("kvm01").brief is not None
    world.look(engine, list(Host.objects.order_by("name")), "silent", timezone.now())
    found = redundancy(timezone.now())
    assert look_of("kvm01").brief is None
    assert found.answer.word is Word.NOT_KNOWN
    assert found.answer.sentence.startswith("kvm01 does not answer on ")


def test_the_next_look_is_judged_with_the_new_declaration():
    engine = world.build("calm", 2)
    DeclaredPath.objects.filter(host__name="kvm02").delete()
    world.look(engine, list(Host.objects.order_by("name")), "calm", timezone.now())
    found = redundancy(timezone.now())
    assert found.answer.word is Word.NOT_KNOWN
    assert found.answer.sentence.startswith("No path is declared for kvm02")


def test_a_shared_element_counts_over_all_hosts_and_outweighs_what_is_not_known():
    world.build("calm", 3)
    point = {"host": "kvm02", "wwid": "36a", "element": "HBA 21"}
    row = look_of("kvm02")
    row.brief |= {"shared": 2, "point": point}
    row.save()
    Look.objects.filter(pk=look_of("kvm01").pk).update(state=Look.State.UNANSWERED, sentence="kvm01 is silent.")
    found = redundancy(timezone.now()).answer
    assert found.word is Word.NO
    assert found.sentence.startswith("LUN 36a on kvm02 has only HBA 21 and 1 more. 2 hosts see ")


def test_a_host_that_is_gone_does_not_count():
    world.build("calm", 3)
    Host.objects.filter(name="kvm03").update(gone_since=timezone.now())
    assert redundancy(timezone.now()).answer.sentence.startswith("2 hosts see")


def test_nothing_is_watched():
    assert redundancy(timezone.now()).answer.word is Word.NOT_KNOWN
