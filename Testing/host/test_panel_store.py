"""What publishers offer is listed and downloaded by clicks, cancelled, gone on with, asked about and refused."""

from __future__ import annotations

import hashlib
import json
import os
import signal

import pytest

pytest.importorskip("pooch", reason="pooch is not installed")

from Testing.host.driver import type_text, wait_until
from Testing.host.panel_store import choose, done, models, panel, publisher
from Testing.stopwatch import Stopwatch
from Testing.unit.proxy import proxying

__all__ = ["panel", "publisher"]


def test_what_publishers_offer_is_listed_with_size_licence_and_reason(panel):
    panel.ui.modelSearchBox.text = "liver"
    assert [row[1] for row in panel.rows("modelTree") if row[1]] == ["to download, 3 MB"]
    panel.ui.modelSearchBox.clear()
    assert ["Secret", "not to be downloaded"] in panel.rows("modelTree")
    panel.select("modelTree", "Secret")
    assert 'href="https://example.org/get"' in panel.ui.modelSummaryLabel.text
    assert not panel.ui.downloadButton.visible
    panel.select("modelTree", "Heart")
    assert panel.ui.downloadButton.text == "Download (size unknown)"
    assert "CC BY-NC 4.0 (no commercial use)" in panel.ui.modelSummaryLabel.text
    assert "download it first" in panel.ui.applyButton.toolTip


def test_a_press_downloads_a_model_and_chooses_it(panel, publisher, tmp_path):
    panel.select("modelTree", "Liver")
    assert panel.ui.downloadButton.text == "Download (3 MB)"
    panel.click("downloadButton")
    said = done(panel, "On this computer now: Liver")
    assert "Liver" in said
    assert models(tmp_path) == ["liver"]
    assert ["Liver", "ready"] in panel.rows("modelTree")
    assert panel.parameters.GetParameter("Model") == "liver"
    assert not panel.ui.downloadButton.visible
    assert not panel.ui.transferFrame.visible
    assert "SHA-256 was written down" in panel.find("modelMessageDetailsText").plainText
    sha256 = hashlib.sha256(publisher.files["/liver.zip"]).hexdigest()
    panel.ui.modelSearchBox.text = "abdomen ct"
    assert [row for row in panel.rows("modelTree") if row[1]] == [["Liver", "ready"]], "found as before it was here"
    assert f"SHA-256 {sha256} (its publisher gives none" in panel.ui.modelDetailsBrowser.plainText


def test_a_download_shows_its_bytes_is_cancelled_at_once_and_goes_on_later(panel, publisher, tmp_path, monkeypatch):
    publisher.faults = ["stall"]
    panel.select("modelTree", "Liver")
    panel.click("downloadButton")
    wait_until(lambda: "1 MB of 3 MB" in panel.ui.transferLabel.text, timeout=60)
    assert 400 < panel.ui.transferBar.value < 600
    wait_until(lambda: panel.item("modelTree", "Liver").text(1) == "downloads, 48 %", timeout=60)
    assert not panel.ui.downloadButton.enabled
    pid = panel.session.client.pid
    monkeypatch.setattr(panel.session.client, "_cancel_timeout_s", 60.0)
    cancelled = Stopwatch(pid)
    panel.click("cancelTransferButton")
    done(panel, "the next try goes on")
    assert cancelled.seconds() < 1.5
    assert panel.session.client.pid == pid, "the worker is not ended for it"
    assert models(tmp_path) == []
    publisher.released.set()
    panel.click("downloadButton")
    done(panel, "On this computer now: Liver")
    assert publisher.asked[-1][1].startswith("bytes="), "what was there is not fetched twice"


def test_the_panel_can_be_used_while_a_model_is_downloaded(panel, publisher):
    publisher.faults = ["stall"]
    panel.select("modelTree", "Liver")
    panel.click("downloadButton")
    wait_until(lambda: "MB of" in panel.ui.transferLabel.text, timeout=60)
    panel.select("modelTree", "Heart")
    panel.click("downloadButton")
    wait_until(lambda: "1 more waiting" in panel.ui.transferLabel.text)
    panel.click("cancelTransferButton")
    done(panel, "does not allow commercial use")
    assert panel.parameters.GetParameter("Model") == "heart", "what was chosen meanwhile stays chosen"


def test_a_question_stays_until_it_is_answered_whatever_ends_meanwhile(panel, publisher):
    publisher.faults = ["stall"]
    panel.select("modelTree", "Liver")
    panel.click("downloadButton")
    wait_until(lambda: "MB of" in panel.ui.transferLabel.text, timeout=60)
    for name in ("Heart", "With code"):
        panel.select("modelTree", name)
        panel.click("downloadButton")
    wait_until(lambda: "2 more waiting" in panel.ui.transferLabel.text)
    publisher.released.set()
    done(panel, "does not allow commercial use")
    wait_until(lambda: not panel.ui.transferFrame.visible, timeout=60)
    assert "does not allow commercial use" in panel.message("model")
    panel.click("modelMessageNoButton")
    assert "Trust it only if" in panel.message("model"), "what was asked second"
    panel.click("modelMessageNoButton")
    assert "Trust it only if" not in panel.message("model")


def test_a_licence_is_acknowledged_before_anything_is_fetched(panel, publisher, tmp_path):
    panel.select("modelTree", "Heart")
    panel.click("downloadButton")
    assert "CC BY-NC 4.0" in done(panel, "does not allow commercial use")
    assert publisher.asked == []
    panel.click("modelMessageNoButton")
    assert publisher.asked == []
    panel.click("downloadButton")
    done(panel, "does not allow commercial use")
    panel.click("modelMessageYesButton")
    done(panel, "On this computer now: Heart")
    record = json.loads((tmp_path / "home" / "trust.json").read_text())["licences"]
    assert [value["model"] for value in record.values()] == ["heart"]


def test_code_of_a_models_own_is_asked_about_and_the_trust_withdrawn(panel, publisher, tmp_path):
    panel.select("modelTree", "With code")
    panel.click("downloadButton")
    assert "run its own network" in done(panel, "Trust it only if")
    assert models(tmp_path) == []
    panel.click("modelMessageYesButton")
    done(panel, "On this computer now: With code")
    assert [path for path, _ in publisher.asked] == ["/code.zip"], "what was there is not fetched twice"
    choose(panel, "moreModelsMenu", "withdrawTrustAction")
    done(panel, "runs no code of its own any more")
    wait_until(lambda: ["code", "asks for trust"] in panel.rows("modelTree"), timeout=60)
    panel.select("modelTree", "code")
    panel.click("trustButton")
    assert "changed" not in done(panel, "Trust it only if")
    panel.click("modelMessageYesButton")
    wait_until(lambda: ["With code", "ready"] in panel.rows("modelTree"), timeout=60)


@pytest.mark.parametrize(
    ("fault", "times", "words"), [(404, 1, "nothing at this address"), (500, 4, "Check the network")]
)
def test_a_failure_says_what_where_and_the_remedy(panel, publisher, tmp_path, fault, times, words):
    publisher.faults = [fault] * times
    panel.select("modelTree", "Liver")
    panel.click("downloadButton")
    said = done(panel, words)
    assert publisher.url("/liver.zip") in said
    assert models(tmp_path) == []
    panel.click("downloadButton")
    done(panel, "On this computer now: Liver")


def test_what_comes_is_not_used_unless_it_is_what_and_from_where_it_should_be(panel, publisher, tmp_path):
    publisher.faults = ["cut"]
    panel.select("modelTree", "Vouched for")
    panel.click("downloadButton")
    done(panel, "checksum differs")
    assert publisher.asked[-1][1].startswith("bytes="), "after the connection ended too early it went on"
    publisher.redirects = {"/liver.zip": "http://example.org/liver.zip"}
    panel.select("modelTree", "Liver")
    panel.click("downloadButton")
    done(panel, "address at example.org without https")
    assert models(tmp_path) == []


@pytest.fixture
def proxy(publisher, monkeypatch):
    """Stands before the publisher, and wants a login."""
    with proxying() as there:
        there.login = "me:secret"
        for name, value in (("NO_PROXY", ""), ("HTTP_PROXY", there.address)):
            monkeypatch.setenv(name, value)
            monkeypatch.setenv(name.lower(), value)
        yield there


def test_a_proxy_that_wants_a_login_is_named(proxy, panel, publisher, tmp_path):
    panel.select("modelTree", "Liver")
    panel.click("downloadButton")
    assert "HTTPS_PROXY" in done(panel, "the proxy wants you to sign in", timeout=60)
    assert len(proxy.asked) == 1
    assert publisher.asked == []
    assert models(tmp_path) == []


def test_a_mirror_that_is_set_is_asked_in_place_of_the_publisher(panel, publisher, tmp_path):
    publisher.files["/mirror" + publisher.url("/liver.zip").removeprefix("http:/")] = publisher.files["/liver.zip"]
    panel.ui.advancedSection.collapsed = panel.ui.modelStoreGroup.collapsed = False
    panel.settle()
    type_text(panel.ui.mirrorEdit, publisher.url("/mirror"))
    panel.ui.mirrorEdit.editingFinished()
    panel.settle()
    panel.select("modelTree", "Liver")
    panel.click("downloadButton")
    done(panel, "On this computer now: Liver")
    assert {path.split("/")[1] for path, _ in publisher.asked} == {"mirror"}


def test_strictly_offline_nothing_is_asked_and_the_remedy_is_said(panel, publisher):
    panel.ui.advancedSection.collapsed = False
    panel.click("offlineCheckBox")
    panel.select("modelTree", "Liver")
    panel.click("downloadButton")
    assert "Turn strict offline off" in done(panel, "stay offline")
    assert publisher.asked == []


def test_a_quota_is_found_to_be_too_small_before_anything_is_fetched(panel, publisher):
    panel.ui.advancedSection.collapsed = False
    panel.ui.modelStoreGroup.collapsed = False
    panel.ui.quotaSpinBox.value = 0.001
    panel.ui.quotaSpinBox.decimals = 4
    panel.ui.quotaSpinBox.value = 0.001
    panel.settle()
    panel.select("modelTree", "Liver")
    panel.click("downloadButton")
    done(panel, "would take 0.00 GB of 0.001 GB")
    assert publisher.asked == []


def test_a_worker_that_is_killed_leaves_nothing_half_and_the_next_try_goes_on(panel, publisher, tmp_path):
    publisher.faults = ["stall"]
    panel.select("modelTree", "Liver")
    panel.click("downloadButton")
    wait_until(lambda: "1 MB of 3 MB" in panel.ui.transferLabel.text, timeout=60)
    os.kill(panel.session.client.pid, signal.SIGKILL)
    wait_until(lambda: panel.message("model"), timeout=60)
    assert [name for name in models(tmp_path) if not name.startswith(".part-")] == []
    publisher.released.set()
    wait_until(lambda: panel.ui.downloadButton.enabled, timeout=60)
    panel.click("downloadButton")
    done(panel, "On this computer now: Liver")
    assert models(tmp_path) == ["liver"]
    assert publisher.asked[-1][1].startswith("bytes=")
