"""REST first, the command line where it fails or lacks a part."""

from __future__ import annotations

from dataclasses import replace

import pytest

from portal.connectors.san.errors import Busy, Refused
from portal.connectors.san.fallback import Fallback
from tests.san.rest_seen import rest_seen

WHOLE = replace(rest_seen("A"), unread={})
LOG = (("t", "ZONE-1062", "warning", "x"),)
CLI = replace(WHOLE, source="ssh", log=LOG, ports=WHOLE.ports[:1])


class Fixed:
    """A reader that tells one thing, or raises it."""

    def __init__(self, told):
        self.told, self.looks = told, 0

    def look(self):
        self.looks += 1
        if isinstance(self.told, Exception):
            raise self.told
        return self.told


def test_the_second_is_not_asked_without_need():
    second = Fixed(CLI)
    assert Fallback(Fixed(WHOLE), second).look() is WHOLE
    assert Fallback(Fixed(replace(WHOLE, unread={"logout": "x"})), second).look().source == "rest"
    assert second.looks == 0


def test_missing_parts_come_from_the_second():
    seen = Fallback(Fixed(replace(WHOLE, unread={"log": "no log", "modules": "m"})), Fixed(CLI)).look()
    assert (seen.log, seen.unread, seen.source) == (LOG, {"modules": "m"}, "rest")
    assert seen.ports == WHOLE.ports


def test_the_defined_configuration_comes_with_the_other_zoning():
    bare = replace(WHOLE, zoning=replace(WHOLE.zoning, defined=(), aliases={}), unread={"defined": "x"})
    seen = Fallback(Fixed(bare), Fixed(CLI)).look()
    assert (seen.zoning, seen.unread) == (WHOLE.zoning, {})


def test_a_part_that_neither_has_stays_unread():
    first = replace(WHOLE, unread={"log": "by rest"})
    assert Fallback(Fixed(first), Fixed(replace(CLI, unread={"log": "by ssh"}))).look().unread == {"log": "by rest"}
    assert Fallback(Fixed(first), Fixed(replace(CLI, wwn="another"))).look() == first
    assert Fallback(Fixed(first), Fixed(Busy("later."))).look() is first


def test_the_second_stands_in():
    seen = Fallback(Fixed(Refused("REST is off.")), Fixed(CLI)).look()
    assert (seen.source, seen.unread) == ("ssh", {"first": "REST is off."})
    with pytest.raises(Refused, match="REST is off"):
        Fallback(Fixed(Refused("REST is off.")), Fixed(Busy("later."))).look()
