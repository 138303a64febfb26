"""The published models that we describe, by the SHA-256 of their weights' file."""

from __future__ import annotations

from functools import partial

from .description import Description, Scaling

_CITATION = """\
Fedorov A. et al., End-to-end learning of brain tissue segmentation from imperfect labeling, arXiv:1612.00940
Masoud M., Hu F., Plis S., Brainchop: In-browser MRI volumetric segmentation and rendering, JOSS 8(83):5098 (2023), \
doi:10.21105/joss.05098"""

_brainchop = partial(
    Description,
    anatomy="brain",
    license="MIT",
    commercial_use=True,
    citation=_CITATION,
    intended_use="Research on whole-head T1-weighted MR images; not a medical device.",
)

_SUBCORTICAL = (
    "Cortex, white matter, ventricles and subcortical structures, left and right as one, on a whole-head T1 image."
)

PUBLISHED = {
    "8b83b35b971305b9baeef9f927a5f0d4432c7beea60743f54e8d960031298ba3": _brainchop(
        name="MeshNet grey and white matter",
        description="White and grey matter of the brain on a whole-head T1 image.",
    ),
    "0798b61d58626010708284cab719f2674c817c789acb84e8eec5265a46e8fbbc": _brainchop(
        name="MeshNet subcortical, small", description=_SUBCORTICAL
    ),
    "aa5235ab3a034135277c47f8e7c32849895c6e31ee6c4e942d63a6aec5ff4ee4": _brainchop(
        name="MeshNet subcortical", description=_SUBCORTICAL
    ),
    "09e80b88aac5069cf536114c9082a30e574c2ef12fbd396cd7c02e8ccb025622": _brainchop(
        name="MeshNet 104 regions",
        description="Cortical areas (Desikan-Killiany) and subcortical structures, left and right apart, on a "
        "whole-head T1 image.",
    ),
    "31f1bda17b8d3eee17a54cf3f199899763a6615a049f05ab2a05f18eb98ec23a": _brainchop(
        name="MindGrab brain mask",
        description="The brain with the fluid around it, on a whole-head T1 image.",
        scaling=Scaling.PERCENTILES,
    ),
}
