"""Which regions of the body a model's structures lie in, so that it is found by them.

Publishers say what a model finds, seldom where that is. A structure's region is told by its code: that of the region
that it lies in, or else its own (``core.terminology_table``), so that it does not matter how a publisher spells it.
A model whose structures have no code, or may lie anywhere, has the regions that its name and description mention.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from MedAISegLib.core.terminology import Terminology
from MedAISegLib.core.terminology_table import terminology_for

_KINDS = "central incisor|lateral incisor|canine|first premolar|second premolar|first molar|second molar|third molar"
_TEETH = tuple(
    f"{jaw} {side} {kind}" for jaw in ("lower", "upper") for side in ("left", "right") for kind in _KINDS.split("|")
)

REGIONS: dict[str, tuple[str, ...]] = {
    "head": (
        "head|face|skull|eye|eyeball|eye lens|optic nerve|auditory canal|nasal cavity|maxillary sinus|frontal sinus",
        "hard palate|soft palate|tongue|parotid gland|submandibular gland|mandible|maxilla|inferior alveolar canal",
        "zygomatic arch|styloid process|masseter|temporalis|lateral pterygoid|medial pterygoid|digastric|teeth lower",
        "teeth upper|nasopharynx|oropharynx|levator palpebrae superioris|superior rectus muscle",
        "inferior rectus muscle|medial rectus muscle|lateral rectus muscle|superior oblique muscle",
        "inferior oblique muscle",
        *_TEETH,
    ),
    "brain": (
        "brain|brain parenchyma|brain stem|cerebrum|cerebellum|cerebellum cortex|cerebellum white matter",
        "cerebellar vermis|cerebral cortex|cerebral white matter|white matter|gray matter|corpus callosum|csf",
        "internal capsule|lentiform nucleus|septum pellucidum|subarachnoid space|venous sinuses|ventricular system",
        "ventricle|3rd ventricle|4th ventricle|lateral ventricle|inferior lateral ventricle|body of lateral ventricle",
        "collateral trigone|basal forebrain",
        "anterior horn of lateral ventricle|posterior horn of lateral ventricle|accumbens area|amygdala|caudate",
        "pallidum|putamen|thalamus|ventraldc|hippocampus|hippocampus anterior|hippocampus posterior|insula",
        "frontal lobe|temporal lobe|parietal lobe|occipital lobe|posteriorcingulate|central sulcus|central operculum",
        "frontal operculum|parietal operculum|frontal pole|occipital pole|temporal pole|angular gyrus|fusiform gyrus",
        "gyrus rectus|lingual gyrus|inferior occipital gyrus|superior occipital gyrus|inferior temporal gyrus",
        "middle temporal gyrus|superior temporal gyrus|middle frontal gyrus|superior frontal gyrus|postcentral gyrus",
        "parahippocampal gyrus|supramarginal gyrus|subcallosal area|anterior orbital gyrus|lateral orbital gyrus",
        "medial orbital gyrus|posterior orbital gyrus|hemorrhage in subdural space",
    ),
    "neck": (
        "hypopharynx|pharynx|larynx air|hyoid|cricoid cartilage|thyroid cartilage|thyroid gland|platysma|digastric",
        "sternocleidomastoid|sterno thyroid|thyrohyoid|levator scapulae|anterior scalene|middle scalene",
        "posterior scalene|prevertebral|trapezius|superior pharyngeal constrictor|middle pharyngeal constrictor",
        "inferior pharyngeal constrictor|internal carotid artery|common carotid artery|internal jugular vein",
        *(f"vertebrae c{number}" for number in range(1, 8)),
    ),
    "spine": (
        "spine|spinal cord|vertebrae|vertebrae body|intervertebral discs|sacrum|vertebrae s1|autochthon|erector spinae",
        "transversospinalis",
        *(f"vertebrae c{number}" for number in range(1, 8)),
        *(f"vertebrae t{number}" for number in range(1, 13)),
        *(f"vertebrae l{number}" for number in range(1, 7)),
    ),
    "chest": (
        "lung|lung lower lobe|lung middle lobe right|lung upper lobe|lung pleural|lung trachea bronchia|trachea|airway",
        "pleural effusion|pericardial effusion|pericardium|mediastinum|thoracic cavity|breast|sternum|ribs",
        "costal cartilages|clavicula|scapula|aorta|pulmonary artery|pulmonary vein|superior vena cava|esophagus",
        "brachiocephalic trunk|brachiocephalic vein|subclavian artery|pectoralis major|pectoralis minor",
        "serratus anterior|latissimus dorsi|heart|heart atrium left|heart atrium right|heart ventricle left",
        "heart ventricle right|heart myocardium|atrial appendage|coronary arteries|coronary cusp|annulus proper",
        "sinotubular junction|left ventricular outflow tract|torso fat",
        *(f"rib {number}" for number in range(1, 13)),
        *(f"vertebrae t{number}" for number in range(1, 13)),
    ),
    "heart": (
        "heart|heart atrium left|heart atrium right|heart ventricle left|heart ventricle right|heart myocardium",
        "atrial appendage|coronary arteries|coronary cusp|annulus proper|sinotubular junction|pericardium",
        "left ventricular outflow tract|pericardial effusion",
    ),
    "abdomen": (
        "abdominal cavity|liver|gallbladder|pancreas|spleen|stomach|duodenum|small bowel|colon|kidney|kidney cortex",
        "adrenal gland|ureter|aorta|inferior vena cava|portal vein|splenic vein|portal vein and splenic vein",
        "celiac trunk|renal arteries|superior mesenteric artery|psoas major|iliopsoas|rectus abdominis",
        "quadratus lumborum|external oblique|internal oblique|torso fat",
        *(f"liver segment {number}" for number in range(1, 9)),
        *(f"vertebrae l{number}" for number in range(1, 7)),
    ),
    "pelvis": (
        "urinary bladder|prostate|peripheral zone of prostate|transition zone of prostate|uterus|rectum|ureter|hip",
        "hip implant|sacrum|vertebrae s1|iliac artery|iliac vena|gluteus maximus|gluteus medius|gluteus minimus",
        "torso fat",
    ),
    "arms": (
        "humerus|radius|ulna|carpal|metacarpal|deltoid|supraspinatus|infraspinatus|subscapularis|teres major",
        "coracobrachial|triceps brachii|body extremities",
    ),
    "legs": (
        "femur|patella|tibia|fibula|tarsal|metatarsal|quadriceps femoris|sartorius|thigh medial compartment",
        "body extremities",
    ),
}
"""From head to foot, the structures of each as the table names them; one may lie in several."""

_TISSUES = {"artery", "vein", "bone", "skeletal muscle", "intermuscular fat", "subcutaneous fat"}
_FINDINGS = {"bone lesion", "edema", "necrosis", "neoplasm", "primary neoplasm"}
ANYWHERE = _TISSUES | _FINDINGS | {"implant", "nuclei", "phalanges feet", "phalanges hand", "surgical instrument"}
"""The phalanges of hands and feet have one code."""

_WORDS = {"abdominal": "abdomen", "cardiac": "heart", "thoracic": "chest", "intracranial": "brain"}


def anatomy_of(entry: dict[str, Any]) -> str:
    """The regions of an entry of the catalogue, from head to foot; empty where nothing tells them."""
    found: set[str] = set()
    for name in entry.get("labels", {}).values():
        terminology = terminology_for(name)
        if terminology is not None:
            found |= _regions_by_code().get(_place(terminology), set())
    found = found or _mentioned(f"{entry.get('name', '')} {entry.get('description', '')}")
    if "brain" in found:
        found |= {"head"}
    return ", ".join(region for region in REGIONS if region in found)


def with_anatomy(entry: dict[str, Any]) -> dict[str, Any]:
    """The entry with its regions before its channels, where anything tells them."""
    rest = {name: value for name, value in entry.items() if name != "anatomy"}
    anatomy = anatomy_of(rest)
    if not anatomy:
        return rest
    at = list(rest).index("channels") if "channels" in rest else len(rest)
    return dict([*list(rest.items())[:at], ("anatomy", anatomy), *list(rest.items())[at:]])


def _mentioned(text: str) -> set[str]:
    words = re.findall("[a-z]+", text.lower())
    named = {_WORDS.get(word, word) for word in words}
    found = {region for region in REGIONS if region in named}
    for word in words:
        terminology = terminology_for(word)
        found |= _regions_by_code().get(_place(terminology), set()) if terminology else set()
    return found


@cache
def _regions_by_code() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for region, lists in REGIONS.items():
        for name in "|".join(lists).split("|"):
            terminology = terminology_for(name)
            if terminology is None:
                raise ValueError(f"{name}: not in the table of structures")
            found.setdefault(_place(terminology), set()).add(region)
    return found


def _place(terminology: Terminology) -> str:
    return (terminology.region or terminology.type).value
