"""Downloads through a proxy, and the certificates that are believed, as the system's settings say."""

from __future__ import annotations

import hashlib
import os
import shutil
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("pooch", reason="pooch is not installed")
if shutil.which("openssl") is None:
    pytest.skip("openssl, which makes the certificate, is not installed", allow_module_level=True)

from MedAISegLib.core.errors import MedAISegError, ResourceError
from MedAISegLib.models.download import Remote, download, network_of
from MedAISegLib.models.transfer import Policy, is_https

from Testing.unit.proxy import Proxy, proxying
from Testing.unit.publisher import Publisher, publishing, self_signed

CONTENT = os.urandom(300_000)
CHECKSUM = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
SETTINGS = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


@pytest.fixture(autouse=True)
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("MEDAISEG_OFFLINE", "MEDAISEG_MIRROR", "SSL_CERT_FILE", *SETTINGS, *map(str.lower, SETTINGS)):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MEDAISEG_HOME", str(tmp_path / "home"))
    (tmp_path / "into").mkdir()
    return tmp_path / "into" / "m.zip"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return self_signed(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def publisher(certificate: tuple[Path, Path]) -> Iterator[Publisher]:
    with publishing(certificate) as there:
        there.files["/m.zip"] = CONTENT
        yield there


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with proxying() as there:
        yield there


@pytest.fixture
def believed(certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate[0]))


def get(publisher: Publisher, target: Path) -> bytes:
    network = network_of({})
    quick = type(network)(network.offline, network.mirror, Policy(is_https, pause_s=0.01))
    download(Remote(publisher.url("/m.zip"), CHECKSUM), target, network=quick)
    return target.read_bytes()


@pytest.mark.usefixtures("believed")
@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_the_proxy_of_the_environment_stands_between(
    name: str, publisher: Publisher, proxy: Proxy, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, proxy.address)
    assert get(publisher, target) == CONTENT
    assert proxy.asked == [f"CONNECT {publisher.address.removeprefix('https://')}"]


@pytest.mark.usefixtures("believed")
def test_the_proxy_of_the_systems_settings_stands_between(
    publisher: Publisher, proxy: Proxy, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Where macOS and Windows keep theirs, and Python looks for them.
    monkeypatch.setattr(urllib.request, "getproxies", lambda: {"https": proxy.address})
    monkeypatch.setattr("requests.utils.getproxies", urllib.request.getproxies)
    assert get(publisher, target) == CONTENT
    assert len(proxy.asked) == 1


@pytest.mark.usefixtures("believed")
def test_what_needs_no_proxy_is_asked_itself(
    publisher: Publisher, proxy: Proxy, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy.address)
    monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1")
    assert get(publisher, target) == CONTENT
    assert proxy.asked == []


def test_a_mirror_without_https_goes_through_the_proxy_of_http(
    proxy: Proxy, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy.address)
    with publishing() as plain:
        plain.files["/m.zip"] = CONTENT
        download(Remote(plain.url("/m.zip"), CHECKSUM), target, network=plain.network)
        assert proxy.asked == [f"GET {plain.url('/m.zip')}"]
    assert target.read_bytes() == CONTENT


@pytest.mark.usefixtures("believed")
def test_a_proxy_is_told_user_and_password(
    publisher: Publisher, proxy: Proxy, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy.login = "me:secret"
    monkeypatch.setenv("HTTPS_PROXY", proxy.address_with("me:secret"))
    assert get(publisher, target) == CONTENT


@pytest.mark.usefixtures("believed")
@pytest.mark.parametrize("login", ["", "me:wrong@"])
def test_a_proxy_that_wants_a_login_is_named_at_once_and_its_password_kept(
    login: str, publisher: Publisher, proxy: Proxy, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy.login = "me:secret"
    monkeypatch.setenv("HTTPS_PROXY", proxy.address.replace("//", f"//{login}"))
    with pytest.raises(ResourceError, match=r"proxy wants you to sign in \(HTTP 407\).*HTTPS_PROXY") as raised:
        get(publisher, target)
    assert len(proxy.asked) == 1, "asking again would not help"
    assert "wrong" not in str(raised.value)
    assert publisher.asked == []
    assert not target.exists()


def test_a_proxy_of_http_that_wants_a_login_is_named_too(
    proxy: Proxy, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy.login = "me:secret"
    monkeypatch.setenv("HTTP_PROXY", proxy.address)
    with publishing() as plain, pytest.raises(MedAISegError, match="proxy wants you to sign in"):
        download(Remote(plain.url("/m.zip")), target, network=plain.network)


@pytest.mark.usefixtures("believed")
def test_a_proxy_that_lets_nothing_through_says_so_at_once_and_a_busy_one_is_asked_again(
    publisher: Publisher, proxy: Proxy, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy.address)
    proxy.refusals = [403]
    with pytest.raises(ResourceError, match=r"does not let it through \(HTTP 403\).*with a browser"):
        get(publisher, target)
    assert len(proxy.asked) == 1
    proxy.refusals = [502, 503]
    assert get(publisher, target) == CONTENT
    assert len(proxy.asked) == 4


@pytest.mark.usefixtures("believed")
@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("http://127.0.0.1:9", "the proxy cannot be reached.*proxy settings"),
        ("nonsense://x y", "that of the proxy cannot be used.*http://HOST:PORT"),
        ("http://127.0.0.1:99999", "that of the proxy cannot be used"),
    ],
)
def test_a_proxy_that_is_not_there_is_named(
    address: str, said: str, publisher: Publisher, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", address)
    with pytest.raises(ResourceError, match=said):
        get(publisher, target)


def test_a_certificate_that_nobody_vouches_for_is_refused_through_a_proxy_too(
    publisher: Publisher, proxy: Proxy, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy.address)
    with pytest.raises(ResourceError, match=r"not accepted \(self.signed certificate\).*REQUESTS_CA_BUNDLE"):
        get(publisher, target)
    assert len(proxy.asked) == 1, "asking again would not help"
    assert publisher.asked == []


def test_a_certificate_of_the_systems_store_is_believed(
    publisher: Publisher, certificate: tuple[Path, Path], target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    assert get(publisher, target) == CONTENT


@pytest.mark.parametrize("text", [None, "no certificate"], ids=["missing", "damaged"])
def test_certificates_that_cannot_be_read_are_named(
    text: str | None, publisher: Publisher, target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if text is not None:
        (tmp_path / "ca.pem").write_text(text)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    with pytest.raises(ResourceError, match=r"certificates cannot be read.*REQUESTS_CA_BUNDLE"):
        get(publisher, target)


def test_a_server_that_does_not_speak_tls_is_not_said_to_have_a_bad_certificate(target: Path) -> None:
    with publishing() as plain:
        plain.address = plain.address.replace("http://", "https://")
        with pytest.raises(ResourceError, match="no secure connection could be made"):
            get(plain, target)
