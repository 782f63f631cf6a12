"""Shell text as simple commands, without running a word of it: enough of sh to see which programs an old backup script
calls, in which order, with which words. What it cannot follow it says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

LITERAL = "\ue000"  # stands for a $ that the shell would not expand
_LONGEST = 1_000  # characters of one expanded word
_DEEPEST = 8
_DESCRIPTORS = tuple("0123456789")
_NAME = re.compile(r"[A-Za-z_]\w*")
_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)(?::?-([^{}$]*))?\})")
_ASSIGNED = re.compile(r"(?:export\s+|readonly\s+|local\s+)?([A-Za-z_]\w*)=(.*)", re.DOTALL)


@dataclass(frozen=True)
class Simple:
    """One simple command. joint: what stands before it: "" a new line or ;, "|", "&&", "||", "&". targets: files
    that its output goes to, with the operator ("2>", "/dev/null")."""

    words: tuple[str, ...]
    joint: str
    line: int
    targets: tuple[tuple[str, str], ...] = ()


@dataclass
class _Scanner:
    """Goes once over the text. The word that is being read is None between words: an empty one is a word too."""

    text: str
    at: int = 0
    line: int = 1
    word: list[str] | None = None
    words: list[str] = field(default_factory=list)
    targets: list[tuple[str, str]] = field(default_factory=list)
    redirect: str = ""
    joint: str = ""
    heredocs: list[str] = field(default_factory=list)
    found: list[Simple] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    def run(self) -> None:
        while self.at < len(self.text):
            self._step(self.text[self.at])
        self._end_command("")

    def _step(self, sign: str) -> None:
        if sign in " \t":
            self._end_word()
            self.at += 1
        elif sign == "\n":
            self._new_line()
        elif sign == "#" and self.word is None:
            self.at = self._find("\n", self.at)
        elif sign in ";&|()":
            self._operator(sign)
        elif sign in "<>":
            self._redirect()
        elif self.text.startswith("\\\n", self.at):
            self.at += 2
            self.line += 1
        else:
            self._add(self._piece(sign))

    def _piece(self, sign: str) -> str:
        """The next piece of a word, quotes taken off; `at` behind it."""
        if sign == "\\":
            self.at += 2
            escaped = self.text[self.at - 1 : self.at]
            self.line += escaped == "\n"
            return {"$": LITERAL, "\n": ""}.get(escaped, escaped)
        if sign == "'":
            end = self._closing("'", self.at + 1)
            piece, self.at = self.text[self.at + 1 : end], end + 1
            self.line += piece.count("\n")
            return piece.replace("$", LITERAL)
        if sign == '"':
            return self._double()
        if sign == "`" or self.text.startswith("$(", self.at):
            return self._substitution()
        self.at += 1
        return sign

    def _double(self) -> str:
        piece, self.at = "", self.at + 1
        while self.at < len(self.text) and self.text[self.at] != '"':
            sign = self.text[self.at]
            if sign == "`" or self.text.startswith("$(", self.at):
                piece += self._substitution()
                continue
            if sign == "\\" and self.text[self.at + 1 : self.at + 2] in ("$", "`", '"', "\\", "\n"):
                piece += self._piece(sign)
                continue
            self.line += sign == "\n"
            piece += sign
            self.at += 1
        if self.at >= len(self.text):
            self.unread.append(f"A quotation mark is not closed before line {self.line}: the rest is not understood.")
        self.at += 1
        return piece

    def _substitution(self) -> str:
        """$(...) as it stands; `...` in the same spelling."""
        start = self.at
        if self.text[start] == "`":
            end = self._closing("`", start + 1)
            inner, self.at = self.text[start + 1 : end], end + 1
        else:
            depth, end = 1, start + 2
            while end < len(self.text) and depth:
                depth += {"(": 1, ")": -1}.get(self.text[end], 0)
                end += 1
            inner, self.at = self.text[start + 2 : end - 1 if not depth else end], end
        self.line += inner.count("\n")
        return f"$({inner})"

    def _operator(self, sign: str) -> None:
        if sign == "(" and self._is_function():
            return
        joint = self.text[self.at : self.at + 2]
        joint = joint if joint in ("&&", "||") else sign
        if joint == "&" and self.text.startswith("&>", self.at):
            self._end_word()
            self.at += 1
            return
        self.at += len(joint)
        self._end_command(joint if joint in ("&&", "||", "|", "&") else "")

    def _is_function(self) -> bool:
        """`name() {`: kept as a command of its own, `function name`."""
        self._end_word()
        closing = re.compile(r"\(\s*\)").match(self.text, self.at)
        if closing is None or not self.words or not _NAME.fullmatch(self.words[-1]):
            return False
        self.words = ["function", self.words[-1]]
        self.at = closing.end()
        self._end_command("")
        return True

    def _redirect(self) -> None:
        number = ""
        if self.word is not None and len(self.word) == 1 and self.word[0] in _DESCRIPTORS:
            number, self.word = self.word[0], None
        self._end_word()
        match = re.compile(r"<<<|<<-?|>>|>&|<&|>\||[<>]").match(self.text, self.at)
        sign = match[0] if match else ">"
        self.at += len(sign)
        self.redirect = number + sign

    def _new_line(self) -> None:
        self._end_command("")
        self.at += 1
        self.line += 1
        while self.heredocs:
            end = re.compile(rf"^\t*{re.escape(self.heredocs.pop(0))}$", re.MULTILINE).search(self.text, self.at)
            stop = end.end() if end else len(self.text)
            self.line += self.text.count("\n", self.at, stop)
            self.at = stop

    def _add(self, piece: str) -> None:
        if self.word is None:
            self.word = []
        self.word.append(piece)

    def _end_word(self) -> None:
        if self.word is None:
            return
        word, self.word = "".join(self.word), None
        if self.redirect.startswith("<<") and self.redirect != "<<<":
            self.heredocs.append(word)
        elif self.redirect:
            self.targets.append((self.redirect, word))
        else:
            self.words.append(word)
        self.redirect = ""

    def _end_command(self, joint: str) -> None:
        self._end_word()
        if self.words:
            self.found.append(Simple(tuple(self.words), self.joint, self.line, tuple(self.targets)))
        self.words, self.targets, self.redirect, self.joint = [], [], "", joint

    def _find(self, sign: str, start: int) -> int:
        place = self.text.find(sign, start)
        return len(self.text) if place < 0 else place

    def _closing(self, sign: str, start: int) -> int:
        place = self._find(sign, start)
        if place == len(self.text):
            self.unread.append(f"A {sign} in line {self.line} is not closed: the rest is not understood.")
        return place


@dataclass(frozen=True)
class Script:
    """Commands in their order; variables that were given plain values are put in. unread: sentences."""

    commands: tuple[Simple, ...]
    unread: tuple[str, ...]


def scan(text: str, known: Mapping[str, str] | None = None) -> Script:
    """Shell text in; never raises, runs nothing. known: variables from the crontab's own lines."""
    scanner = _Scanner(text)
    scanner.run()
    variables = dict(known or {})
    commands = []
    for one in scanner.found:
        words = list(one.words)
        while words and (assigned := _ASSIGNED.fullmatch(words[0])):
            variables[assigned[1]] = expanded(assigned[2], variables)
            words.pop(0)
        if words and words[0] in ("export", "readonly", "local"):
            for word in words[1:]:
                if assigned := _ASSIGNED.fullmatch(word):
                    variables[assigned[1]] = expanded(assigned[2], variables)
            continue
        if words:
            spelled = tuple(expanded(word, variables) for word in words)
            targets = tuple((sign, expanded(target, variables)) for sign, target in one.targets)
            commands.append(Simple(spelled, one.joint, one.line, targets))
    return Script(tuple(commands), tuple(scanner.unread))


def expanded(word: str, variables: Mapping[str, str]) -> str:
    """The word with known variables put in; what is not known, or too long, stays as it is written."""
    for _ in range(_DEEPEST if len(word) <= _LONGEST else 0):
        after = _VARIABLE.sub(lambda found: _value(found, variables), word)
        if after == word or len(after) > _LONGEST:
            break
        word = after
    return word


def _value(found: re.Match[str], variables: Mapping[str, str]) -> str:
    name = found[1] or found[2]
    if name in variables:
        return variables[name]
    return found[3] if found[3] is not None else found[0]
