"""What comes of torch's installation by Slicer's PyTorch extension; a module with its signature stands in for it."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from subprocess import CalledProcessError
from types import ModuleType, SimpleNamespace

import pytest
from MedAISegLib.core.errors import Cancelled, ResourceError
from MedAISegLib.slicer_io import torch_extension
from MedAISegLib.slicer_io.requirements import TORCH_MINIMUM


@pytest.fixture
def extension(monkeypatch):
    """``outcome`` is what its function returns, or raises; ``asked`` what it was asked, under a wait cursor or not."""
    state = SimpleNamespace(outcome=SimpleNamespace(__version__="2.13.0"), asked=[], is_waiting=False)

    class Logic:
        def installTorch(
            self,
            askConfirmation=False,
            forceComputationBackend=None,
            torchVersionRequirement=None,
            torchvisionVersionRequirement=None,
        ):
            state.asked.append((askConfirmation, torchVersionRequirement, state.is_waiting))
            if isinstance(state.outcome, Exception):
                raise state.outcome
            return state.outcome

    @contextmanager
    def wait_cursor():
        state.is_waiting = True
        yield
        state.is_waiting = False

    module = ModuleType("PyTorchUtils")
    vars(module)["PyTorchUtilsLogic"] = Logic
    monkeypatch.setitem(sys.modules, "PyTorchUtils", module)
    monkeypatch.setattr(torch_extension, "wait_cursor", wait_cursor)
    return state


def test_it_asks_the_user_shows_a_wait_cursor_and_is_followed_by_a_restart(extension):
    said = torch_extension.install_torch()
    assert extension.asked == [(True, f">={TORCH_MINIMUM}", True)]
    assert "torch 2.13.0" in said
    assert "Restart Slicer" in said


def test_a_user_who_declines_has_cancelled(extension):
    extension.outcome = None
    with pytest.raises(Cancelled):
        torch_extension.install_torch()


def test_an_installer_that_fails_is_told_with_its_exit_code(extension):
    extension.outcome = CalledProcessError(2, ["PythonSlicer", "-m", "light_the_torch", "install", "torch"])
    with pytest.raises(ResourceError, match="exit code 2") as failed:
        torch_extension.install_torch()
    assert "network" in failed.value.remedy


@pytest.mark.parametrize("error", [RuntimeError("no"), ImportError("half"), OSError(28, "No space left on device")])
def test_what_else_goes_wrong_is_told_with_the_way_out(extension, error):
    extension.outcome = error
    with pytest.raises(ResourceError, match="could not install torch") as failed:
        torch_extension.install_torch()
    assert "PyTorch Utils" in failed.value.remedy


def test_without_the_extension_it_is_said_where_it_comes_from(monkeypatch):
    monkeypatch.setitem(sys.modules, "PyTorchUtils", None)
    with pytest.raises(ResourceError, match="is not installed") as failed:
        torch_extension.install_torch()
    assert "Extensions Manager" in failed.value.remedy
