"""What change systems do wrong. A fault is in force for one system until it is cleared or its `times` are used up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lab.change.desk import Desk, NotSo


@dataclass(frozen=True)
class Spec:
    """choices: a word and its values, of which the first one holds when none is given; none named: any number."""

    title: str
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    call: bool = False  # of the callbacks, not of the API


WHAT = ("write", "any", "note", "attach", "close", "create", "read", "login")
TIMES = ("0", "1", "2", "3")
SPECS: dict[str, Spec] = {
    "refuse": Spec("refuses", {"status": ("503", "403", "409", "500", "400"), "what": WHAT, "times": TIMES}),
    "rate": Spec("429 with Retry-After", {"retry_after": ("2", "60"), "what": ("any", *WHAT), "times": TIMES}),
    "html": Spec("answers with a web page", {"status": ("200", "502", "404"), "times": TIMES}),
    "huge": Spec("answers with nine megabytes", {"times": TIMES}),
    "half": Spec("breaks its JSON off", {"times": TIMES}),
    "redirect": Spec("leads elsewhere", {"times": TIMES}),
    "slow": Spec("is slow, in seconds", {"seconds": ("1", "5", "30"), "times": TIMES}),
    "lost-answer": Spec("does it and loses the answer", {"what": WHAT, "times": ("1", "0", "2")}),
    "login-refused": Spec("takes no login"),
    "tokens-short": Spec("gives tokens that end at once"),
    "odd-state": Spec("shows a state that nobody knows", {"word": ("Under Deliberation", "")}),
    "no-journal": Spec("hides its journal from the account"),
    "no-close": Spec("does not let the account close a change (BMC's forms)"),
    "no-fields": Spec("does not answer the number of a new change (BMC's forms)"),
    "notes-ignored": Spec("says 200 and leaves work notes out (ServiceNow)"),
    "cloud-types": Spec("has the type of changes by Jira Cloud's name alone"),
    "no-service-desk": Spec("knows no approvals: the issue is no request of a service desk (Jira)"),
    "unsigned-answer": Spec("does not sign its answers (webhook)"),
    "call-late": Spec("callbacks come late, in seconds", {"seconds": ("2", "10")}, call=True),
    "call-twice": Spec("callbacks come twice", call=True),
    "call-reversed": Spec("each second callback comes before the first", call=True),
    "call-unsigned": Spec("callbacks are not signed", call=True),
    "call-forged": Spec("callbacks are signed with a wrong key", call=True),
    "call-stale": Spec("callbacks are ten minutes old", call=True),
    "call-malformed": Spec("callbacks are no JSON", call=True),
    "call-slow": Spec("callbacks are sent byte by byte", {"seconds": ("2", "20")}, call=True),
    "call-lost": Spec("callbacks do not come", call=True),
}


def inject(desk: Desk, name: str, words: Mapping[str, str]) -> dict[str, str]:
    """Puts a fault in force; gives its words. Raises NotSo."""
    if name not in SPECS:
        raise NotSo(f"{name} is no fault of a change system: {', '.join(SPECS)}.")
    choices = SPECS[name].choices
    given = {word: words.get(word) or values[0] for word, values in choices.items()}
    for word in ("times", "seconds", "status", "retry_after"):
        if word in given and not given[word].replace(".", "", 1).isdigit():
            raise NotSo(f"{word} is a number.")
    if "what" in given and given["what"] not in WHAT:
        raise NotSo(f"what is one of {', '.join(WHAT)}.")
    desk.faults[name] = given
    return given


def clear(desk: Desk, name: str) -> list[str]:
    """Ends one fault, or all of them with ""; gives the names."""
    gone = [one for one in desk.faults if name in ("", one)]
    for one in gone:
        del desk.faults[one]
    return gone
