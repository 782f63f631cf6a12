"""A mail server that keeps what it gets, with faults: refuse (550), defer (451), slow, cut (the connection ends after
the message was taken, before the answer), deaf (accepts and says nothing). TLS when a certificate is given."""

from __future__ import annotations

import asyncio
import base64
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

FAULTS = ("", "refuse", "defer", "slow", "cut", "deaf")
SLOW = 1.0  # seconds before each answer
LARGEST = 16 * 2**20  # bytes of a message, files included


@dataclass
class Catcher:
    """Runs in a thread of its own between start() and stop(). login: "user:password" that it wants, "" for none."""

    login: str = ""
    tls: ssl.SSLContext | None = None
    implicit: bool = False
    fault: str = ""
    messages: list[EmailMessage] = field(default_factory=list)
    port: int = 0
    told: Callable[[EmailMessage], object] = lambda message: None

    def start(self) -> Catcher:
        self._loop = asyncio.new_event_loop()
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), name="smtp", daemon=True)
        self._thread.start()
        ready.wait(10)
        return self

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        context = self.tls if self.implicit else None
        began = asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=context, limit=LARGEST)
        server = self._loop.run_until_complete(began)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await _Talk(self, reader, writer).hold()
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass  # whoever called has gone
        finally:
            writer.close()


def main(port: int, fault: str, folder: Path | None = None) -> int:
    """Prints what comes, until Ctrl-C; with a folder, each message is kept there as a file and told in one line."""
    told = _shown if folder is None else Folder(folder).keep
    catcher = Catcher(port=port, fault=fault, told=told).start()
    print(f"mail: HOLDFAST_MAIL_URL=smtp://127.0.0.1:{catcher.port}?from=holdfast@bank.example", flush=True)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        catcher.stop()
    return 0


def _shown(message: EmailMessage) -> None:
    print(message.as_string(), flush=True)


class Folder:
    """Keeps messages as 0001.eml and so on; one that is kept already is kept once more under the next number."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)

    def keep(self, message: EmailMessage) -> Path:
        """Where it lies now."""
        number = max((int(one.stem) for one in self.path.glob("[0-9]*.eml")), default=0) + 1
        kept = self.path / f"{number:04}.eml"
        kept.write_bytes(message.as_bytes())
        files = [part.get_filename() for part in message.iter_attachments()]
        more = f", with {', '.join(map(str, files))}" if files else ""
        print(f"mail: to {message['To']}: {message['Subject']}{more}; kept as {kept}", flush=True)
        return kept


class _Talk:
    """One connection."""

    def __init__(self, catcher: Catcher, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.catcher, self.reader, self.writer = catcher, reader, writer
        self.trusted = not catcher.login

    async def hold(self) -> None:
        if self.catcher.fault == "deaf":
            await self.reader.read()  # until the caller goes
            return
        await self.say("220 lab.example ESMTP")
        while line := await self.reader.readline():
            word = line.decode("ascii", "replace").split(" ")[0].strip().upper()
            if word == "QUIT":
                await self.say("221 bye")
                return
            if not await self.answer(word, line):
                return

    async def say(self, text: str) -> None:
        if self.catcher.fault == "slow":
            await asyncio.sleep(SLOW)
        self.writer.write(text.encode() + b"\r\n")
        await self.writer.drain()

    async def answer(self, word: str, line: bytes) -> bool:
        """False: the connection ends."""
        if word in ("EHLO", "HELO"):
            await self.greet()
        elif word == "STARTTLS" and self.catcher.tls is not None:
            await self.say("220 go ahead")
            await self.writer.start_tls(self.catcher.tls)
        elif word == "AUTH":
            await self.admit(line)
        elif word == "RCPT" and self.catcher.fault in ("refuse", "defer"):
            await self.say("550 no such mailbox" if self.catcher.fault == "refuse" else "451 try again later")
        elif word == "MAIL" and not self.trusted:
            await self.say("530 log in first")
        elif word == "DATA":
            return await self.take()
        else:
            await self.say("250 ok")
        return True

    async def greet(self) -> None:
        more = ["STARTTLS"] if self.catcher.tls is not None and not self.catcher.implicit else []
        more += ["AUTH PLAIN"] if self.catcher.login else []
        for text in ("lab.example", *more):
            self.writer.write(f"250-{text}\r\n".encode())
        await self.say("250 8BITMIME")

    async def admit(self, line: bytes) -> None:
        said = base64.b64decode(line.split()[2]).split(b"\0")[1:]
        self.trusted = b":".join(said).decode() == self.catcher.login
        await self.say("235 ok" if self.trusted else "535 wrong login")

    async def take(self) -> bool:
        await self.say("354 go on")
        raw = (await self.reader.readuntil(b"\r\n.\r\n"))[:-3]
        found = message_from_bytes(raw.replace(b"\r\n..", b"\r\n."), policy=policy.default)
        assert isinstance(found, EmailMessage)
        self.catcher.messages.append(found)
        self.catcher.told(found)
        if self.catcher.fault == "cut":
            return False
        await self.say("250 taken")
        return True
