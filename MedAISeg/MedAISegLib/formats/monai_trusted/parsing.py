"""A trusted bundle's description, evaluated by MONAI's own parser."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch

from ...core.errors import ModelError
from ..monai_bundle.config import BundleFiles

NETWORK = ("network", "network_def")

_ALONE = ("initialize", "run", "evaluating", "finalize", "training")
"""What would run the bundle by itself, and set the process up for it."""

_ABSENT = object()


class Description:
    """The entries of an inference config, each evaluated once; to be used only where the bundle's code may run."""

    def __init__(
        self, files: BundleFiles, device: torch.device, *, output: str, instead: Mapping[str, Any] | None = None
    ) -> None:
        """Args:
        output: folder for what the bundle writes by itself.
        instead: values in place of entries at the top.
        """
        from monai.bundle.config_parser import ConfigParser

        config = {key: value for key, value in copy.deepcopy(dict(files.inference)).items() if key not in _ALONE}
        config |= {"bundle_root": str(files.root), "_meta_": dict(files.metadata), "device": device}
        if "output_dir" in config:
            config["output_dir"] = output
        for owner in (config, config.get("evaluator")):
            if isinstance(owner, dict) and isinstance(owner.get("inferer"), dict):
                # Its bar needs one more package, and nobody would see it.
                owner["inferer"].pop("progress", None)
        self._config = config | dict(instead or {})
        self._parser = ConfigParser(self._config)

    def written(self, identifier: str) -> Any:
        """An entry as it is written, None where there is none."""
        found = self._find(identifier)
        return None if found is _ABSENT else found

    def option(self, identifier: str, default: Any) -> Any:
        """An entry, evaluated; the default where there is none."""
        if self._find(identifier) is _ABSENT:
            return default
        return self._parser.get_parsed_content(identifier)

    def first(self, *identifiers: str) -> Any:
        """The first of the entries that is there, evaluated.

        Raises:
            ModelError: if none is.
        """
        for identifier in identifiers:
            value = self.option(identifier, _ABSENT)
            if value is not _ABSENT:
                return value
        raise ModelError("the bundle does not say how to run it.", where=" or ".join(identifiers))

    def _find(self, identifier: str) -> Any:
        node: Any = self._config
        for key in identifier.split("#"):
            if isinstance(node, list) and key.isdigit() and int(key) < len(node):
                node = node[int(key)]
            elif isinstance(node, dict) and key in node:
                node = node[key]
            else:
                return _ABSENT
        return node
