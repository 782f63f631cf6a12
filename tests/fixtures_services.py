"""Services of a test's own on loopback: well, ill, slow, silent, gone."""

from __future__ import annotations

import contextlib
import socket
import threading

GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 31\r\nConnection: close\r\n\r\nDB Up!Welcome to Health Status!\n"
ILL = b"HTTP/1.1 500 Oh\r\nContent-Length: 8\r\nConnection: close\r\n\r\nDB Down!"


@contextlib.contextmanager
def served(answer, context=None):
    """A server on loopback that gives each connection to `answer`. Yields "host:port"."""
    listener = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def one(link):
        with contextlib.suppress(OSError), link:
            talk = context.wrap_socket(link, server_side=True) if context else link
            with talk:
                answer(talk, ended)

    def accept():
        while True:
            try:
                link, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=one, args=(link,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        ended.set()
        listener.close()


def says(raw):
    def answer(link, ended):
        link.recv(4096)
        link.sendall(raw)

    return answer


def silent(link, ended):
    ended.wait(5)
