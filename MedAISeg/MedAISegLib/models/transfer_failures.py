"""Why a file does not come, and what a user can do about it."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from ..core.errors import MedAISegError, ModelError, ResourceError
from .extras import extra

_RETRIED = frozenset({408, 425, 429, *range(500, 600)})
_BY_HAND = "Download it with a browser, and import the file."
_GONE = "Its publisher may have moved it: see its page, or whether there is a newer version of this program."
_SIGN_IN = "Name the proxy with user and password in HTTPS_PROXY, as http://USER:PASSWORD@HOST:PORT."
_REFUSALS = {
    401: ("its publisher hands it out only after signing in", _BY_HAND),
    403: ("its publisher does not hand it out", _BY_HAND),
    404: ("there is nothing at this address", _GONE),
    407: ("the proxy wants you to sign in", _SIGN_IN),
    410: ("there is nothing at this address any more", _GONE),
}
"""Why, and what can be done about it."""
_TUNNEL = re.compile(r"Tunnel connection failed: (\d{3})")
"""What Python says of a proxy that does not let it through to a server."""

_READS_CERTIFICATES = {"X509", "PEM"}
"""Parts of OpenSSL; what a server does wrong is found by another one."""


class TryAgainError(Exception):
    """Says what went wrong and may be better next time."""


def require_accepted(response: Any, url: str) -> None:
    """Let pass an answer that brings the file.

    Raises:
        TryAgainError: if the server may answer otherwise next time.
        ModelError: if it refuses.
    """
    status = response.status_code
    if status in {200, 206}:
        _require_unpacked(response, url)
        return
    if status in _RETRIED:
        raise TryAgainError(f"the server answers with error {status}")
    why, remedy = _REFUSALS.get(status, ("the server refuses", "See the publisher's page, or try again later."))
    raise ModelError(f"it cannot be downloaded: {why} (HTTP {status}).", where=url, remedy=remedy)


def _require_unpacked(response: Any, url: str) -> None:
    """Nothing else was asked for; but of a ``.tar.gz`` servers like to say that it is packed, and send it as it is."""
    coding = response.headers.get("Content-Encoding", "").strip().lower()
    if coding in {"", "identity"} or (coding in {"gzip", "x-gzip"} and urlsplit(url).path.endswith((".gz", ".tgz"))):
        return
    raise ModelError(
        f"it cannot be downloaded: the server packs it for the way ({coding[:40]}) although it was asked not to.",
        where=url,
        remedy=_BY_HAND,
    )


def failure_of(error: Exception, url: str) -> MedAISegError | TryAgainError:
    """What an error of the network is for a user.

    Args:
        error: of ``requests``, ``urllib3`` or the system. It may hold the proxy's password, and is not shown itself.
    """
    requests = extra("requests")
    if isinstance(error, requests.exceptions.ProxyError):
        return _of_the_proxy(error, url)
    if isinstance(error, requests.exceptions.SSLError):
        return _of_security(error, url)
    if isinstance(error, ValueError):
        return ResourceError(
            "the address, one that it leads to, or that of the proxy cannot be used.",
            where=url,
            remedy="Look at HTTPS_PROXY and the system's proxy settings: a proxy is written http://HOST:PORT.",
        )
    if not isinstance(error, requests.RequestException) and "certificate" in str(error):
        return _unreadable_certificates(url)
    return TryAgainError(f"the connection failed ({type(error).__name__})")


def _of_the_proxy(error: Exception, url: str) -> MedAISegError | TryAgainError:
    status = next((int(found[1]) for cause in _causes(error) if (found := _TUNNEL.search(str(cause)))), 0)
    if not status:
        return TryAgainError("the proxy cannot be reached")
    if status in _RETRIED:
        return TryAgainError(f"the proxy answers with error {status}")
    if status == 407:
        what, remedy = "the proxy wants you to sign in", _SIGN_IN
    else:
        what, remedy = "the proxy does not let it through", f"Ask who runs your network. {_BY_HAND}"
    return ResourceError(f"it cannot be downloaded: {what} (HTTP {status}).", where=url, remedy=remedy)


def _of_security(error: Exception, url: str) -> MedAISegError | TryAgainError:
    causes = [cause for cause in _causes(error) if isinstance(cause, ssl.SSLError)]
    if any(cause.library in _READS_CERTIFICATES for cause in causes):
        return _unreadable_certificates(url)
    refused = next((cause for cause in causes if isinstance(cause, ssl.SSLCertVerificationError)), None)
    if refused is None:
        return TryAgainError("no secure connection could be made")
    return ResourceError(
        f"the connection is not secure: the server's certificate is not accepted ({refused.verify_message}).",
        where=url,
        remedy="If your network has a certificate of its own, have it added to the certificates of the system, or name "
        "its file in REQUESTS_CA_BUNDLE.",
    )


def _unreadable_certificates(url: str) -> ResourceError:
    return ResourceError(
        "the certificates cannot be read.",
        where=url,
        remedy="Look at REQUESTS_CA_BUNDLE, which names a file of certificates or a folder of them.",
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error, and those that it was made of, wherever a library keeps them."""
    seen: list[BaseException] = [error]
    for cause in seen:
        inner = (*cause.args, getattr(cause, "reason", None), cause.__cause__, cause.__context__)
        seen += [one for one in inner if isinstance(one, BaseException) and one not in seen]
        yield cause
