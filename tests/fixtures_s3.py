"""An S3 server on loopback over real HTTP, with versions and object locks, and a way to it that breaks."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import suppress

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server


class Quiet(WSGIRequestHandler):
    def log(self, *args, **kwargs):
        """Nothing."""


class S3Server:
    """The S3 server. `fault` sees each request first: an answer of its own, or None."""

    def __init__(self, context: ssl.SSLContext | None = None):
        self.fault = lambda environ: None
        self.requests: list[tuple[str, str]] = []
        self._app = DomainDispatcherApplication(create_backend_app)
        self._http = make_server("127.0.0.1", 0, self._serve, threaded=True, request_handler=Quiet, ssl_context=context)
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever)
        self._thread.start()

    def _serve(self, environ, start_response):
        self.requests.append((environ["REQUEST_METHOD"], environ["QUERY_STRING"]))
        answer = self.fault(environ)
        if answer is None:
            return self._app(environ, start_response)
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        status, code = answer
        start_response(status, [("Content-Type", "application/xml")])
        if not code:
            return [b""]
        return [f"<Error><Code>{code}</Code><Message>told by the test</Message></Error>".encode()]

    def stop(self):
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def count(self, method: str, part: str) -> int:
        return sum(1 for one, query in self.requests if one == method and part in query)


class Breaking:
    """A way to the server on which answers end after so many bytes, some times."""

    def __init__(self, url: str, limit: int, times: int):
        self._target = int(url.rsplit(":", 1)[1])
        self._limit, self.left = limit, times
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                here, _ = self._listener.accept()
            except OSError:
                return
            there = socket.create_connection(("127.0.0.1", self._target))
            threading.Thread(target=self._copy, args=(here, there, 1 << 60), daemon=True).start()
            threading.Thread(target=self._copy, args=(there, here, self._limit), daemon=True).start()

    def _copy(self, source, target, limit):
        passed = 0
        with suppress(OSError):
            while piece := source.recv(65536):
                passed += len(piece)
                if passed > limit and self.left > 0:
                    self.left -= 1
                    break
                target.sendall(piece)
        for each in (source, target):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def stop(self):
        self._listener.close()
