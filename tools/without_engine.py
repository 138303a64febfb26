"""Print the project's requirements without the engine's: what a test run on a Python without torch installs."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ENGINE = {"torch", "monai", "highdicom"}

project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
extras = project["optional-dependencies"]
requirements = [*project["dependencies"], *extras["slicer"], *extras["host"], *extras["test"]]
print("\n".join(r for r in requirements if re.split(r"[<>=!~ ]", r)[0] not in ENGINE))
