"""TotalSegmentator's tasks (github.com/wasserth/TotalSegmentator): its models by task, merged as its class maps say."""

from __future__ import annotations

import re
from typing import Any

from .checkout import Checkout, counted

PAGE = "https://github.com/wasserth/TotalSegmentator"
_RELEASES = f"{PAGE}/releases/download"
_CITATION = "TotalSegmentator, Radiology: Artificial Intelligence, doi:10.1148/ryai.230024, arXiv:2208.05868"
_CITATION_MR = "TotalSegmentator MRI, Radiology, doi:10.1148/radiol.241613, arXiv:2405.19492"
_CITED = re.compile(r"cite \[paper\]\((?P<url>[^)]*(?:\([^)]*\)[^)]*)*)\)")
_SPACINGS = {"default": "", "fast": "_3mm", "fastest": "_6mm"}
_COARSE = {"body": "_6mm", "body_mr": "_6mm"}
_LEFT_OUT = ("test",)
_NOT_RUN = {
    "vertebrae_pp_refined": "It cuts the vertebrae of vertebrae_pp to the bodies that vertebrae_body finds, which "
    "is not done here. Install those two, and see their segments beside each other."
}
"""What is done to a task's labels that no description holds (nnunet.py)."""
_OPEN, _NOT_COMMERCIAL = "Openly available for any usage (Apache-2.0 license)", "(CC BY-NC 4.0 license"
_MR_WITHOUT_SUFFIX = ("brain_aneurysm",)
_PLANS = "nnUNetPlans"
_CROP_MARGIN_MM = 20.0
"""Around what its own rough models find, whatever the task's settings say (python_api.py)."""
_LONGER_STEPS, _LONGER_STEP = ("total", "total_v3", "total_mr"), 0.8
_CLEANED = {
    "body": [
        {"kind": "KeepLargestComponent", "labels": [1], "connectivity": 6},
        {"kind": "RemoveSmallComponents", "volume_mm3": 50000.0, "labels": [2], "connectivity": 6},
    ]
}
"""What is done to the labels of a task on their own grid (nnunet.py)."""
_NUMBERED, _TOPMOST, _LOWEST = "vertebrae_pp", "vertebrae_C1", "vertebrae_L5"
_ORIENTATION = "SAR"
"""It brings images to nibabel's RAS before its networks see them: slowest axis first, superior, anterior, right."""


def models(checkout: Checkout) -> list[dict[str, Any]]:
    """An entry for each task that is offered, and each spacing of it."""
    maps, tasks = (_data(checkout, f"totalsegmentator/{name}.py") for name in ("map_to_binary", "map_tasks_config"))
    readme = checkout.text("README.md")
    if _OPEN not in readme:
        raise ValueError("the licence of the open tasks is not stated as it was")
    entries = []
    for task, config in tasks["TASK_CONFIGS"].items():
        if task in _LEFT_OUT or task not in maps["class_map"]:
            continue
        for mode, settings in config.get("sub_modes", {"default": config}).items():
            suffix = "" if mode == "default" else _COARSE.get(task, _SPACINGS[mode])
            reader = _Task(checkout, maps, tasks, task, {**tasks["DEFAULT_CONFIG"], **config, **settings})
            entry = reader.entry(suffix, readme)
            if entry:
                entries.append(entry)
    return entries


def _data(checkout: Checkout, name: str) -> dict[str, Any]:
    """The tables of a module that holds nothing else; it gets no function to call."""
    found: dict[str, Any] = {"__builtins__": {}}
    exec(compile(checkout.text(name), name, "exec"), found)
    return found


def _pipeline(task: str, resample: float | list[float] | None, labels: dict[int, str]) -> dict[str, Any]:
    """What is done around nnU-Net (nnunet.py); its spacings are those of the axes to the right, anterior, superior."""
    described: dict[str, Any] = {"mirroring": False}
    if resample is not None:
        spacing = resample if isinstance(resample, list) else [resample] * 3
        described["spacing_mm"] = [float(mm) for mm in reversed(spacing)]
    if task in _LONGER_STEPS:
        described["step"] = _LONGER_STEP
    if task in _CLEANED:
        described["postprocessing"] = _CLEANED[task]
    if task == _NUMBERED:
        order = sorted(labels)
        if (labels[order[0]], labels[order[-1]]) != (_TOPMOST, _LOWEST):
            raise ValueError("its vertebrae are not in their order along the spine")
        described["postprocessing"] = [{"kind": "NumberVertebrae", "labels": order}]
    return described


class _Task:
    def __init__(
        self, checkout: Checkout, maps: dict[str, Any], tasks: dict[str, Any], task: str, config: dict[str, Any]
    ) -> None:
        self.checkout, self.maps, self.tasks, self.task, self.config = checkout, maps, tasks, task, config
        self.is_mr = task.endswith("_mr") or task in _MR_WITHOUT_SUFFIX
        self.labels: dict[int, str] = maps["class_map"][task]

    def entry(self, suffix: str, readme: str) -> dict[str, Any] | None:
        """None where the weights are not published."""
        about = next((line for line in readme.splitlines() if line.startswith(f"* **{self.task}**")), "")
        restricted = bool(self.config["commercial"])
        ids = self.config["task_id"]
        ids = ids if isinstance(ids, list) else [ids]
        if any(self.tasks["TASK_ID_WEIGHTS_CONFIGS"][number].get("version") == "TODO" for number in ids):
            return None
        crop = None if restricted else self._crop()
        labels = {str(value): name for value, name in self.labels.items()}
        modality = "MR" if self.is_mr else "CT"
        entry: dict[str, Any] = {
            "id": f"totalsegmentator_{self.task.lower()}{suffix}",
            "name": f"TotalSegmentator {self.task.replace('_', ' ')}{suffix.replace('_', ' ')}",
            "publisher": "TotalSegmentator",
            "format": "nnunet",
            "page": f"{PAGE}/tree/{self.checkout.commit}",
            "description": f"nnU-Net for {counted(labels)} in {modality}{self._spacing()}",
            "channels": [{"name": modality, "modality": modality} | ({} if self.is_mr else {"units": "HU"})],
            "labels": labels,
            "license": "Apache-2.0",
            "commercial_use": True,
            "citation": "\n".join((_CITATION_MR if self.is_mr else _CITATION, *_CITED.findall(about))),
        }
        if _NOT_COMMERCIAL in about:
            entry |= {"license": "CC BY-NC 4.0", "commercial_use": False}
        if restricted:
            entry |= {
                "license": "TotalSegmentator licence, free for non-commercial use",
                "commercial_use": False,
                "restricted": "Its publisher hands it out with a licence number only: "
                "https://backend.totalsegmentator.com/license-academic/. Install the folder that you got.",
            }
            return entry
        if self.task in _NOT_RUN:
            return entry | {"restricted": _NOT_RUN[self.task]}
        folders = dict.fromkeys(self._folder(number) for number in ids)
        rough = crop
        while rough is not None:
            folders |= {rough["folder"].partition("/")[0]: None}
            rough = rough.get("crop")
        entry["files"] = [self._file(folder) for folder in folders]
        entry["description_file"] = self._description_file(ids, crop)
        if self.config["remove_outside"] or self.config["remove_mask"]:
            raise ValueError(f"{self.task}: what lies outside of other organs is removed, which is not described")
        return entry

    def _file(self, folder: str) -> dict[str, str]:
        weights = next(w for w in self.tasks["TASK_ID_WEIGHTS_CONFIGS"].values() if w["foldername"] == folder)
        return {"url": f"{_RELEASES}/{weights['version']}/{folder}.zip", "folder": folder}

    def _folder(self, number: int) -> str:
        return str(self.tasks["TASK_ID_WEIGHTS_CONFIGS"][number]["foldername"])

    def _description_file(self, ids: list[int], crop: dict[str, Any] | None) -> dict[str, Any]:
        config = self.config
        model = f"{config['trainer']}__{config['plans'] or _PLANS}__{config['model']}"
        folds = {"folds": [str(fold) for fold in config["folds"]]} if config["folds"] else {}
        parts = [
            {"folder": f"{self._folder(number)}/{model}", "paints": self._paints(number)} | folds for number in ids
        ]
        pipeline = _pipeline(self.task, config["resample"], self.labels)
        described: dict[str, Any] = {"parts": parts, "orientation": _ORIENTATION, "pipeline": pipeline}
        return described | ({} if crop is None else {"crop": crop})

    def _paints(self, number: int) -> list[int]:
        """The final label of each label of a part, the background's first."""
        values = {name: value for value, name in self.labels.items()}
        part = self._part(number)
        return [0] + [values.get(part.get(label, ""), 0) for label in range(1, max(part) + 1)]

    def _part(self, number: int) -> dict[int, str]:
        maps = self.maps
        for names, parts in (
            ("map_taskid_to_partname_ct", "class_map_5_parts"),
            ("map_taskid_to_partname_ct_v3", "class_map_5_parts_total_v3"),
            ("map_taskid_to_partname_mr", "class_map_parts_mr"),
            ("map_taskid_to_partname_headneck_muscles", "class_map_parts_headneck_muscles"),
        ):
            if number in maps[names]:
                return dict(maps[parts][maps[names][number]])
        # Labels that the network has and the task does not give.
        return {**maps["class_map"].get(f"{self.task}_auxiliary", {}), **self.labels}

    def _crop(self) -> dict[str, Any] | None:
        """The rough model that looks first (python_api.py), what of it counts, and the margin around that."""
        names, model = self.config["crop"], self.config["crop_model"]
        if not isinstance(names, list):
            return None
        if model is not None:
            return self._crop_by_task(model, names)
        if {"body_trunc", "body_extremities"} & set(names):
            task, mode, spacing = "body", "fast", 6.0
        elif self.is_mr:
            task, mode, spacing = "total_mr", "fast", 3.0
        else:
            task, mode, spacing = ("total", "fast", 3.0) if self.config["robust_crop"] else ("total", "fastest", 6.0)
        settings = self.tasks["TASK_CONFIGS"][task]["sub_modes"][mode]
        return {
            "folder": f"{self._folder(settings['task_id'])}/{settings['trainer']}__{_PLANS}__3d_fullres",
            "labels": self._values(task, names),
            "margin_mm": _CROP_MARGIN_MM,
            "whole_numbers": True,
            "folds": ["0"],
            "pipeline": _pipeline(task, spacing, self.maps["class_map"][task]),
        }

    def _crop_by_task(self, model: str, names: list[str]) -> dict[str, Any]:
        """By another task, which may look for its own place first."""
        config = {**self.tasks["DEFAULT_CONFIG"], **self.tasks["TASK_CONFIGS"][model]}
        other = _Task(self.checkout, self.maps, self.tasks, model, config)
        crop = other._crop()
        described = other._description_file([config["task_id"]], crop)
        (part,) = described["parts"]
        return {
            "folder": part["folder"],
            "labels": self._values(model, names),
            "margin_mm": float(max(self.config["crop_addon"])),
            "whole_numbers": True,
            "folds": part["folds"],
            "pipeline": described["pipeline"],
        } | ({} if crop is None else {"crop": crop})

    def _values(self, task: str, names: list[str]) -> list[int]:
        labels = sorted(value for value, name in self.maps["class_map"][task].items() if name in names)
        if len(labels) != len(names):
            raise ValueError(f"{self.task}: its rough model does not find all of {names}")
        return labels

    def _spacing(self) -> str:
        spacing = self.config["resample"]
        if spacing is None:
            return ""
        values = spacing if isinstance(spacing, list) else [spacing]
        return f" at {' x '.join(f'{value:.3g}' for value in values)} mm"
