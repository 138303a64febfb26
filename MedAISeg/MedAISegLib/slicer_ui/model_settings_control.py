"""The settings of the store: kept at once, and in force once nothing goes on that the worker would have to end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ..core.data_home import data_home
from .context import Context
from .model_settings_view import ModelSettingsView, store_summary


class ModelSettingsControl:
    """Between the fold of the store's settings and the session.

    Args:
        is_idle: nothing goes on with the store.
        on_change: is called when the settings are in force.
    """

    def __init__(self, context: Context, is_idle: Callable[[], bool], on_change: Callable[[], None]) -> None:
        self._context, self._is_idle, self._on_change = context, is_idle, on_change
        self._is_pending = False
        self._view = ModelSettingsView(context.ui, self)

    def refresh(self) -> None:
        """Show what is set; bring it into force where it is not yet."""
        session = self._context.session
        if self._is_pending and self._is_idle() and all(run.is_finished for run in session.runs):
            self._is_pending = False
            session.restart_worker()
            session.store = None
            self._on_change()
        settings = session.settings
        home = Path(settings.models_home).expanduser() if settings.models_home else data_home()
        self._view.show(
            home=settings.models_home,
            quota_gb=settings.quota_gb,
            mirror=settings.mirror,
            folders=settings.shared_folders,
            summary=store_summary(session.store, home / "models"),
        )

    def choose_home(self, path: str) -> None:
        self._set("models_home", path)

    def choose_quota(self, gigabytes: float) -> None:
        self._set("quota_gb", gigabytes)

    def choose_mirror(self, address: str) -> None:
        self._set("mirror", address)

    def choose_shared(self, folders: Sequence[str]) -> None:
        self._set("shared_folders", tuple(folders))

    def _set(self, name: str, value: object) -> None:
        settings = self._context.session.settings
        if getattr(settings, name) != value:
            setattr(settings, name, value)
            self._is_pending = True
            self._context.changed()
