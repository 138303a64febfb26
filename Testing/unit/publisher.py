"""A publisher's server on this machine, with the faults that servers have."""

from __future__ import annotations

import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from MedAISegLib.models.download import Network
from MedAISegLib.models.transfer import Policy, is_https


@dataclass(frozen=True)
class Answer:
    """Sent as it stands, whatever was asked; not before ``after``, where that is given."""

    status: int
    headers: dict[str, str]
    body: bytes
    after: threading.Event | None = None


@dataclass
class Publisher:
    """Files by path, and what is wrong with the next answers.

    Attributes:
        faults: for the next requests, one each: a status, ``"cut"``, ``"stall"``, ``"reset"`` or an answer; then all is
            well.
        redirects: path to address.
        asked: path and Range of each request.
        targets: of each request, query included.
    """

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    faults: list[int | str | Answer] = field(default_factory=list)
    redirects: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)
    ranges: bool = True
    says_size: bool = True
    tag: str = '"v1"'
    released: threading.Event = field(default_factory=threading.Event)

    def url(self, path: str) -> str:
        return self.address + path

    @property
    def network(self) -> Network:
        """As in earnest, but that this one server may be asked without https."""
        return Network(policy=Policy(lambda url: is_https(url) or url.startswith(self.address), pause_s=0.01))


class _Handler(BaseHTTPRequestHandler):
    publisher: Publisher

    def log_message(self, *_: object) -> None:
        """Nothing."""

    def do_GET(self) -> None:
        publisher, path = self.publisher, urlsplit(self.path).path
        publisher.targets.append(self.path)
        publisher.asked.append((path, self.headers.get("Range", "")))
        if path in publisher.redirects:
            self._head(302, {"Location": publisher.redirects[path], "Content-Length": "0"})
            return
        fault = publisher.faults.pop(0) if publisher.faults else None
        if isinstance(fault, Answer):
            self._say(fault)
            return
        if isinstance(fault, int) or path not in publisher.files:
            self._head(fault if isinstance(fault, int) else 404, {"Content-Length": "0"})
            return
        if fault == "reset":
            self.connection.close()
            return
        self._send(publisher.files[path], fault)

    def _send(self, content: bytes, fault: str | None) -> None:
        publisher = self.publisher
        start, asked = 0, self.headers.get("Range", "")
        if asked and publisher.ranges and self.headers.get("If-Range", publisher.tag) == publisher.tag:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
        if start > len(content):
            self._head(416, {"Content-Length": "0"})
            return
        headers = {"ETag": publisher.tag}
        if publisher.says_size:
            headers["Content-Length"] = str(len(content) - start)
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        self._head(206 if start else 200, headers)
        rest = content[start:]
        self.wfile.write(rest[: len(rest) // 2] if fault else rest)
        self.wfile.flush()
        if fault == "stall":
            publisher.released.wait(20)

    def _say(self, answer: Answer) -> None:
        if answer.after is not None:
            answer.after.wait(20)
        with suppress(OSError):
            self._head(answer.status, answer.headers)
            self.wfile.write(answer.body)

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()


def self_signed(folder: Path) -> tuple[Path, Path]:
    """A certificate for localhost that nobody else vouches for, and its key; needs openssl."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate,
         "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
        check=True, capture_output=True,
    )  # fmt: skip
    return certificate, key


@contextmanager
def publishing(certificate: tuple[Path, Path] | None = None) -> Iterator[Publisher]:
    """A server that is there while the block runs; with a certificate and its key it speaks https."""
    publisher = Publisher()
    handler = type("Handler", (_Handler,), {"publisher": publisher})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    publisher.address = f"http://127.0.0.1:{server.server_address[1]}"
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        publisher.address = f"https://localhost:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield publisher
    finally:
        publisher.released.set()
        server.shutdown()
        server.server_close()
