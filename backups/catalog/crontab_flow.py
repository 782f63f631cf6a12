"""The commands of a crontab entry in the order in which they would run: functions where they are called, scripts that
were given where they are started, `sh -c "..."` and `ssh host "..."` opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from backups.catalog.crontab import decoded, shown
from backups.catalog.crontab_shell import Script, Simple, scan

_DEEPEST = 6
_MOST = 5_000  # commands; a script that calls itself ends here
_SHELLS = ("sh", "bash", "dash", "ksh", "su", "runuser", "flock")
_INTERPRETERS = ("sh", "bash", "dash", "ksh", ".", "source")


@dataclass
class _Flow:
    scripts: Mapping[str, bytes]
    settings: Mapping[str, str]
    functions: dict[str, list[Simple]] = field(default_factory=dict)
    commands: list[Simple] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    texts: dict[str, list[Simple]] = field(default_factory=dict)
    sources: list[str] = field(default_factory=list)

    def follow(self, script: Script, depth: int) -> None:
        self.unread += script.unread
        self._commands(self._without_functions(script.commands), depth)

    def _without_functions(self, commands: Sequence[Simple]) -> list[Simple]:
        """What stands outside of functions; their bodies are kept for their calls."""
        outside: list[Simple] = []
        body: list[Simple] | None = None
        depth = 0
        for one in commands:
            if body is None and one.words[0] == "function" and len(one.words) > 1:
                body = self.functions[one.words[1]] = []
                depth = int("{" in one.words)
            elif body is None:
                outside.append(one)
            else:
                depth += one.words.count("{") - one.words.count("}")
                inner = tuple(word for word in one.words if word not in ("{", "}"))
                if inner:
                    body.append(replace(one, words=inner))
                if depth <= 0:
                    body = None
        return outside

    def _commands(self, commands: Sequence[Simple], depth: int) -> None:
        for one in commands:
            if len(self.commands) >= _MOST:
                self.unread.append(f"It is longer than {_MOST} commands: the rest is not read.")
                return
            inner = self._inner(one, depth) if depth < _DEEPEST else None
            if inner is None:
                self.commands.append(one)
            else:
                self._opened(one, inner, depth + 1)

    def _opened(self, one: Simple, inner: Sequence[Simple], depth: int) -> None:
        """The commands inside, joined to what is before them as the call was; what stood before the call (if, flock)
        stands before the first of them."""
        head = tuple(word for word in one.words if word in ("if", "!", "while", "until", "elif", "flock"))
        first, *rest = inner or (Simple(("true",), one.joint, one.line),)
        lead = replace(first, words=(*head, *first.words) if "flock" not in head else first.words)
        marked = replace(lead, joint=one.joint, targets=(*lead.targets, *one.targets))
        if "flock" in head:
            self.commands.append(Simple(("flock", "9"), one.joint, one.line))
        self._commands((marked, *(replace(two, targets=(*two.targets, *one.targets)) for two in rest)), depth)

    def _inner(self, one: Simple, depth: int) -> Sequence[Simple] | None:
        """What a command would start, when it can be read."""
        for place, word in enumerate(one.words):
            name = word.rpartition("/")[2]
            if name in self.functions and place == 0:
                return self.functions[name]
            if word in self.scripts and (place == 0 or self._starts(one.words[:place])):
                return self._script(word)
            if name in _SHELLS and "-c" in one.words[place + 1 : -1]:
                return self._text(one.words[one.words.index("-c", place + 1) + 1])
            if name == "ssh":
                return self._ssh(one.words[place + 1 :])
        return None

    def _starts(self, before: Sequence[str]) -> bool:
        """Whether what stands before a script's name runs it, and does not merely speak of it (echo, test)."""
        name = before[-1].rpartition("/")[2]
        if name in _INTERPRETERS or before[-1].startswith("-"):
            return True
        return any(
            word.rpartition("/")[2] in ("sudo", "nice", "flock", "timeout", "ionice", "if", "!", "chronic")
            for word in before
        )

    def _script(self, path: str) -> Sequence[Simple]:
        text, why = decoded(self.scripts[path], shown(path))
        if why:
            self.unread.append(why)
        if path not in self.sources:
            self.sources.append(path)
        return self._text(text)

    def _text(self, text: str) -> Sequence[Simple]:
        if text not in self.texts:  # a script that is called a thousand times is read once
            found = scan(text, self.settings)
            self.unread += found.unread
            self.texts[text] = self._without_functions(found.commands)
        return self.texts[text]

    def _ssh(self, words: Sequence[str]) -> Sequence[Simple] | None:
        """ssh [options] host command: the command runs there."""
        rest = list(words)
        while rest and rest[0].startswith("-"):
            option = rest.pop(0)
            if option in ("-i", "-p", "-o", "-l", "-F", "-J") and rest:
                rest.pop(0)
        return self._text(" ".join(rest[1:])) if len(rest) > 1 else None


@dataclass(frozen=True)
class Followed:
    """commands in order; sources: the scripts that were read."""

    script: Script
    sources: tuple[str, ...]


def follow(command: str, settings: Mapping[str, str], scripts: Mapping[str, bytes]) -> Followed:
    """A crontab's command and the scripts that were given by their paths in; runs nothing, never raises."""
    flow = _Flow(scripts, settings)
    flow.follow(scan(command, settings), 0)
    return Followed(Script(tuple(flow.commands), tuple(dict.fromkeys(flow.unread))), tuple(flow.sources))
