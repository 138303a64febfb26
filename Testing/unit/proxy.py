"""A proxy on this machine that stands between a program and the publishers, as in hospitals."""

from __future__ import annotations

import base64
import http.client
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


@dataclass
class Proxy:
    """What it is asked for, and how it answers.

    Attributes:
        asked: method and target of each request.
        refusals: statuses of the next answers; then it passes on.
        login: ``user:password`` that it wants to be told.
    """

    address: str = ""
    asked: list[str] = field(default_factory=list)
    refusals: list[int] = field(default_factory=list)
    login: str = ""

    def address_with(self, login: str) -> str:
        return self.address.replace("//", f"//{login}@")


class _Handler(BaseHTTPRequestHandler):
    proxy: Proxy

    def log_message(self, *_: object) -> None:
        """Nothing."""

    def do_GET(self) -> None:
        if not self._admits():
            return
        target = urlsplit(self.path)
        connection = http.client.HTTPConnection(target.netloc, timeout=20)
        connection.request("GET", target.path, headers=dict(self.headers))
        response = connection.getresponse()
        self.send_response(response.status)
        for name, value in response.getheaders():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(response.read())
        connection.close()

    def do_CONNECT(self) -> None:
        if not self._admits():
            return
        host, _, port = self.path.partition(":")
        with socket.create_connection((host, int(port)), timeout=20) as there:
            self.send_response(200)
            self.end_headers()
            back = threading.Thread(target=_pass_on, args=(there, self.connection), daemon=True)
            back.start()
            _pass_on(self.connection, there)
            back.join(20)

    def _admits(self) -> bool:
        proxy = self.proxy
        proxy.asked.append(f"{self.command} {self.path}")
        status = proxy.refusals.pop(0) if proxy.refusals else 0
        expected = f"Basic {base64.b64encode(proxy.login.encode()).decode()}"
        if proxy.login and self.headers.get("Proxy-Authorization") != expected:
            status = 407
        if status:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()
        return not status


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(2**16):
            target.sendall(piece)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@contextmanager
def proxying() -> Iterator[Proxy]:
    """A proxy that is there while the block runs."""
    proxy = Proxy()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"proxy": proxy}))
    server.daemon_threads = True
    proxy.address = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
