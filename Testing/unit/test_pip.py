"""What pip says becomes a user's words; whose certificates count; where the program's data lie."""

from __future__ import annotations

from pathlib import Path

import pytest
from MedAISegLib.core.data_home import data_home
from MedAISegLib.slicer_io import private_pip
from MedAISegLib.slicer_io.pip_failures import pip_error
from MedAISegLib.slicer_io.private_pip import forget_slicers_certificates, trust_options

LACKING = [
    "ERROR: Could not find a version that satisfies the requirement h5py==3.16.0 (from versions: none)",
    "ERROR: No matching distribution found for h5py==3.16.0",
]


UNTRUSTED = (
    "WARNING: Retrying (Retry(total=1, …)) after connection broken by 'SSLError(SSLCertVerificationError(1, '[SSL: "
    "CERTIFICATE_VERIFY_FAILED] certificate verify failed: unable to get local issuer certificate (_ssl.c:1006)'))'"
)
PROXY = (
    "WARNING: Retrying … after connection broken by 'ProxyError('Cannot connect to proxy.', "
    "OSError('Tunnel connection failed: 407 Proxy Authentication Required'))'"
)
NO_NETWORK = (
    "WARNING: Retrying … after connection broken by 'NewConnectionError('Failed to establish a new connection: "
    "[Errno -2] Name or service not known')': /simple/h5py/"
)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (
            [
                "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE. If you have updated them …",
                "    h5py==3.16.0 from https://files.pythonhosted.org/…",
                "        Expected sha256 000",
            ],
            "checksum differs",
        ),
        (["ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device"], "disk is full"),
        (["OSError: [WinError 112] There is not enough space on the disk"], "disk is full"),
        ([UNTRUSTED, *LACKING], "certificate is not trusted"),
        ([PROXY, *LACKING], "the proxy of your network"),
        ([NO_NETWORK, *LACKING], "index cannot be reached"),
        (["ERROR: Could not install packages due to an OSError: [Errno 13] Permission denied: '/x'"], "written"),
        (["/usr/bin/python3: No module named pip"], "has no pip"),
        (LACKING, "index has no h5py==3.16.0 for this Python and system"),
        (
            ["note: something", "ERROR: a thing that nobody foresaw"],
            "pip failed (exit code 2): a thing that nobody foresaw",
        ),
        ([], "(exit code 2): it said nothing"),
    ],
)
def test_each_failure_is_told_by_its_cause_and_with_a_remedy(lines, message):
    error = pip_error(lines, 2, from_folder=False)
    assert message in str(error)
    assert error.remedy


def test_a_file_that_a_folder_lacks_is_named():
    assert "the folder has no file of h5py==3.16.0" in str(pip_error(LACKING, 1, from_folder=True))


def test_the_certificates_that_slicers_launcher_named_are_forgotten(tmp_path):
    environment = {"SLICER_HOME": str(tmp_path / "Slicer"), "SSL_CERT_FILE": str(tmp_path / "Slicer/share/Slicer.crt")}
    forget_slicers_certificates(environment)
    assert environment == {"SLICER_HOME": str(tmp_path / "Slicer")}


@pytest.mark.parametrize("home", [{}, {"SLICER_HOME": "/opt/Slicer"}])
def test_certificates_that_the_user_named_stay(home):
    environment = home | {"SSL_CERT_FILE": "/etc/hospital/ca.pem"}
    forget_slicers_certificates(environment)
    assert environment["SSL_CERT_FILE"] == "/etc/hospital/ca.pem"


@pytest.mark.parametrize(
    ("pip", "known", "expected"),
    [
        ("23.2.1", (), ()),
        ("23.2.1", ("truststore",), ("--use-feature=truststore",)),
        ("24.0", ("pip._vendor.truststore",), ("--use-feature=truststore",)),
        ("24.2", ("pip._vendor.truststore",), ()),
        ("26.1b1", ("pip._vendor.truststore",), ()),
    ],
)
def test_pip_is_told_to_trust_the_system_where_it_can_and_does_not_by_itself(monkeypatch, pip, known, expected):
    monkeypatch.setattr(private_pip, "_is_there", lambda module: module in known)
    assert trust_options(pip) == expected


def test_the_data_folder_is_where_the_command_line_keeps_its_models(monkeypatch):
    platformdirs = pytest.importorskip("platformdirs")
    monkeypatch.delenv("MEDAISEG_HOME", raising=False)
    assert data_home() == Path(platformdirs.user_data_dir("MedAISeg", appauthor=False))


@pytest.mark.parametrize(
    ("environment", "platform", "expected"),
    [
        ({"MEDAISEG_HOME": "/data/m"}, "win32", Path("/data/m")),
        ({"LOCALAPPDATA": "/Users/a/AppData/Local"}, "win32", Path("/Users/a/AppData/Local/MedAISeg")),
        ({}, "darwin", Path.home() / "Library" / "Application Support" / "MedAISeg"),
        ({"XDG_DATA_HOME": "/data"}, "linux", Path("/data/MedAISeg")),
        ({"XDG_DATA_HOME": " "}, "linux", Path.home() / ".local" / "share" / "MedAISeg"),
    ],
)
def test_each_system_has_its_place_for_data(environment, platform, expected):
    assert data_home(environment, platform) == expected
