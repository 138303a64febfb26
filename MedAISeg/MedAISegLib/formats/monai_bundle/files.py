"""What a bundle's description takes from its files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from ...core.errors import ModelError
from ..checkpoint import load_content
from .references import inside
from .values import FileContent


def item_of(root: Path, content: FileContent) -> Any:
    """An item of a file of the bundle, as the bundle's description asks for it.

    Raises:
        NotTrustedError: if the file holds code.
        ModelError: if the file or the item is missing.
    """
    path = inside(root, content.path, "torch.load")
    if not path.is_file():
        raise ModelError(f"a file of the bundle is missing: {Path(content.path).as_posix()}.", where=str(root))
    value = load_content(path)
    try:
        for key in content.keys:
            value = value[key]
    except (LookupError, TypeError) as error:
        raise ModelError(f"it has no item {key!r}.", where=str(path)) from error
    return torch.from_numpy(value) if content.as_tensor and isinstance(value, np.ndarray) else value
