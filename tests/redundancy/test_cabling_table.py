"""The table that people write: forms that are taken, mistakes that are told, and the canonical text."""

from __future__ import annotations

import random

import pytest

from inventory.redundancy.cabling import LARGEST, MOST, Line, Wrong, change, decoded, read, told, written

HEAD = "kind,name,port,at,at_port,card"
WWPN = "100000109ba10100"
GOOD = f"""{HEAD}
hba,kvm01,10:00:00:10:9b:a1:01:00,SWA1,0,0000:3b:00.0
array,DORADO,20083400A30D0001,SWA1,0/4,
link,SWA2,22,SWA1,21,
fabric,SWA1,,A,,
site,kvm01,,DC1,,
rack,kvm01,,R12,,
pdu,kvm01,,PDU-1,,
pdu,kvm01,,PDU-2,,
feed,PDU-1,,Feed A,,
pdu,DORADO/0A,,PDU-1,,
"""


def only(row: str) -> str:
    sheet = read(f"{HEAD}\n{row}\n")
    assert len(sheet.mistakes) == 1, sheet
    assert sheet.mistakes[0].number == 2
    return sheet.mistakes[0].sentence


def test_every_kind_is_read_and_written():
    sheet = read(GOOD)
    assert sheet.mistakes == ()
    assert Line("hba", "kvm01", WWPN, "SWA1", "0", "0000:3b:00") in sheet.lines
    assert Line("array", "DORADO", "20083400a30d0001", "SWA1", "4") in sheet.lines
    assert Line("link", "SWA1", "21", "SWA2", "22") in sheet.lines, "a link has no direction"
    text = written(sheet.lines)
    assert read(text).lines == sheet.lines
    assert written(read(text).lines) == text
    assert text.splitlines()[0] == HEAD


@pytest.mark.parametrize(
    "text",
    [
        GOOD.replace(",", ";"),
        GOOD.replace(",", "\t"),
        "\ufeff" + GOOD,
        GOOD.replace("\n", "\r\n"),
        GOOD.replace(HEAD, "Kind,Name,Port,At,At port,Card"),
        "# what is plugged in\n" + GOOD + "\n,,,,,\n# the end",
        GOOD.replace("kvm01", '"kvm01"'),
    ],
)
def test_spreadsheets_write_it_in_their_own_ways(text):
    assert read(text) == read(GOOD)


def test_columns_may_stand_in_any_order_and_the_card_may_be_left_out():
    assert read(f"port,at_port,at,name,kind\n{WWPN},3,SWA1,kvm01,HBA\n").lines == (
        Line("hba", "kvm01", WWPN, "SWA1", "3"),
    )


def test_an_empty_table_declares_nothing():
    assert read("") == read("\n \n") == read(HEAD)
    assert read(HEAD).lines == ()


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("cable,kvm01,,SWA1,,", "cable is no kind: hba, array"),
        (",kvm01,,SWA1,,", "An empty word is no kind"),
        ("rack,,,R12,,", "The column name is empty."),
        ("rack,kvm01,,,,", "The column at is empty."),
        ("rack,=cmd(),,R12,,", "begins with ="),
        (f"rack,{'x' * 81},,R12,,", "no name of at most 80 characters"),
        ("rack,kvm\x0701,,R12,,", "no name of at most"),
        ("hba,kvm01,,SWA1,0,", "An empty port is no WWPN"),
        ("hba,kvm01,1000109ba10100,SWA1,0,", "is no WWPN: 16 hex digits"),
        ("hba,kvm01,10:00:00:10:9b:a1:01:0g,SWA1,0,", "is no WWPN"),
        (f"hba,kvm01,{WWPN},SWA1,,", "An empty word is no port of SWA1"),
        (f"hba,kvm01,{WWPN},SWA1,-1,", "-1 is no port of SWA1"),
        (f"hba,kvm01,{WWPN},SWA1,1,slot 3", "slot 3 is no PCI address"),
        ("link,SWA1,1,SWA1,2,", "The link begins and ends at SWA1."),
        ("link,SWA1,one,SWA2,2,", "one is no port of SWA1"),
        ("rack,R12,,R12,,", "R12 cannot hold or feed itself."),
    ],
)
def test_a_line_that_is_wrong_is_told_with_its_number(row, words):
    assert words in only(row)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([f"hba,kvm01,{WWPN},SWA1,0,", f"hba,kvm02,{WWPN},SWA1,1,"], f"Port {WWPN} stands in line 2 already."),
        ([f"hba,kvm01,{WWPN},SWA1,0,", "link,swa1,0,SWA2,3,"], "Port 0 of swa1 stands in line 2 already."),
        (["site,kvm01,,DC1,,", "site,KVM01,,DC2,,"], "The site of KVM01 stands in line 2 already."),
        (["fabric,SWA1,,A,,", "fabric,SWA1,,B,,"], "The fabric of SWA1 stands in line 2 already."),
        (["rack,kvm01,,X,,", "pdu,kvm02,,X,,"], "X is a pdu here and a rack in line 2."),
        (["feed,PDU-1,,Feed A,,", "feed,Feed A,,PDU-1,,"], "holds or feeds"),
        (["rack,kvm01,,R1,,", "room,R1,,DC,,", "feed,DC,,F,,", "room,F,,R1,,"], "room here and a rack"),
    ],
)
def test_lines_that_do_not_go_together(rows, words):
    found = read("\n".join([HEAD, *rows])).mistakes
    assert any(words in one.sentence for one in found), found


def test_a_circle_over_three_is_found():
    rows = ["feed,PDU-1,,F1,,", "feed,F1,,F2,,", "feed,F2,,F3,,", "feed,F3,,F1,,", "feed,F2,,F9,,"]
    found = read("\n".join([HEAD, *rows])).mistakes
    assert {one.number for one in found} == {3, 4, 5}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name,port\n", "The head names no column kind."),
        (f'{HEAD}\n"kvm', "cannot be read"),
        (f"{HEAD}\nrack,a\0,,R,,", "no table"),
        ("x" * (LARGEST + 1), "no table"),
        (f"{HEAD}\n" + "".join(f"rack,h{n},,R1,,\n" for n in range(MOST + 1)), f"{MOST} are the most"),
    ],
)
def test_what_is_no_table(text, words):
    (only_one,) = read(text).mistakes
    assert words in str(only_one)


def test_all_mistakes_are_told_in_the_order_of_their_lines():
    found = read("\n".join([HEAD, "x,,,,,", "rack,kvm01,,R1,,", "y,,,,,", "pdu,kvm01,,R1,,"])).mistakes
    assert [one.number for one in found] == [2, 4, 5]
    assert str(found[0]).startswith("Line 2: ")


def test_files():
    assert decoded(b"\xef\xbb\xbfkind,name") == "kind,name"
    with pytest.raises(Wrong, match="UTF-8"):
        decoded("kind;Wärme".encode("utf-16"))
    with pytest.raises(Wrong, match="more than 1 MiB"):
        decoded(b"x" * (LARGEST + 1))


def test_two_versions_line_by_line():
    old, new = read(GOOD).lines, read(GOOD.replace("SWA1,0,", "SWA1,9,")).lines
    found = change(old, new)
    assert ([one.at_port for one in found.added], [one.at_port for one in found.dropped]) == (["9"], ["0"])
    assert len(found.kept) == len(old) - 1


def test_each_line_is_a_sentence():
    said = [told(line) for line in read(GOOD).lines]
    assert said == [
        "20083400a30d0001 of DORADO is plugged into port 4 of SWA1.",
        "SWA1 belongs to fabric A.",
        "PDU-1 is fed by feed Feed A.",
        f"{WWPN} of kvm01, card 0000:3b:00 is plugged into port 0 of SWA1.",
        "Port 21 of SWA1 is linked with port 22 of SWA2.",
        "DORADO/0A is fed by pdu PDU-1.",
        "kvm01 is fed by pdu PDU-1.",
        "kvm01 is fed by pdu PDU-2.",
        "kvm01 is in rack R12.",
        "kvm01 stands at site DC1.",
    ]


def test_hostile_text_is_a_table_or_a_mistake_and_never_a_traceback():
    dice = random.Random(7)
    letters = "kind,name port\"';\t\n\r0129af:=#é\ufeff" + GOOD
    for _ in range(600):
        body = "".join(dice.choice(letters) for _ in range(dice.randrange(120)))
        cut = dice.randrange(len(GOOD))
        for text in (body, f"{HEAD}\n{body}", GOOD[:cut] + body + GOOD[cut:]):
            sheet = read(text)
            assert read(written(sheet.lines)).lines == sheet.lines
            assert all(one.sentence for one in sheet.mistakes)
