"""Everything about a model that is not its network, as data that one engine can follow."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from ..core.notice import Notice
from ..core.terminology import UNSPECIFIED, Terminology
from .operations import Interpolation, LabelOperation, Operation


@dataclass(frozen=True)
class Channel:
    """An input of the network.

    Attributes:
        name: as the model calls it, e.g. ``T1c``; unique within the model.
        modality: DICOM's Modality (``CT``, ``MR``, ``PT``, …), empty where any will do.
        units: what the values must be: ``HU``, ``SUV``, or empty for arbitrary units.
    """

    name: str
    modality: str = ""
    units: str = ""


@dataclass(frozen=True)
class SegmentSpec:
    """A structure that the model finds. ``color_rgb`` is 0 to 255 each, None where the model does not say."""

    label_value: int
    name: str
    terminology: Terminology = UNSPECIFIED
    color_rgb: tuple[int, int, int] | None = None


class Blending(Enum):
    """How overlapping windows are weighted."""

    CONSTANT = "constant"
    GAUSSIAN = "gaussian"


class Padding(Enum):
    """What lies outside an image that is smaller than the window."""

    CONSTANT = "constant"
    REPLICATE = "replicate"
    REFLECT = "reflect"


class WindowRule(Enum):
    """Whose rule says where windows lie and what their Gaussian is.

    MONAI (``sliding_window_inference``): at fixed steps from the start, the last one moved back into the array; the
    Gaussian about the middle. NNUNET (``compute_steps_for_sliding_window``, ``compute_gaussian``): evenly spread; about
    voxel n // 2.
    """

    MONAI = "monai"
    NNUNET = "nnunet"


@dataclass(frozen=True)
class Windows:
    """How the network is moved over the prepared array.

    Attributes:
        size: voxels along each array axis, None for the whole array at once; 0 takes that whole axis.
        overlap: share of the window's length, 0 <= overlap < 1, along each axis.
        sigma_scale: standard deviation of the Gaussian weight, as a share of the window's length.
        padding: of an image smaller than the window, equally on both sides; constant padding uses padding_value.
        batch: windows in one forward pass, as the model asks; memory may lower it.
        test_time_flips: sets of array axes to flip; the flipped passes are averaged with the plain one.
        rule: says where the windows lie.
    """

    size: tuple[int, int, int] | None = None
    overlap: tuple[float, float, float] = (0.25, 0.25, 0.25)
    blending: Blending = Blending.CONSTANT
    sigma_scale: float = 0.125
    padding: Padding = Padding.CONSTANT
    padding_value: float = 0.0
    batch: int = 1
    test_time_flips: tuple[tuple[int, ...], ...] = ()
    rule: WindowRule = WindowRule.MONAI


@dataclass(frozen=True)
class Argmax:
    """The class with the highest score wins.

    Attributes:
        labels: label value of each class of the network, class 0 first; empty where class and label are the same.
    """

    labels: tuple[int, ...] = ()


@dataclass(frozen=True)
class Threshold:
    """Each class by itself where its score reaches the threshold: classes may overlap, so each is a layer of its own.

    Attributes:
        labels: label value of each class of the network, class 0 first.
    """

    labels: tuple[int, ...]
    threshold: float = 0.5


@dataclass(frozen=True)
class Regions:
    """Thresholded regions painted over each other, later ones on top (nnU-Net's region-based training).

    Attributes:
        labels: the label value that each class of the network paints, in the order of painting.
    """

    labels: tuple[int, ...]
    threshold: float = 0.5


Decision = Argmax | Threshold | Regions


class Activation(Enum):
    """What turns the network's raw output into scores."""

    NONE = "none"
    SOFTMAX = "softmax"
    SIGMOID = "sigmoid"


@dataclass(frozen=True)
class Averaging:
    """How the scores of a stage's networks become one score.

    Attributes:
        activation: applied to each network's scores first; the mean is then one of probabilities.
        weights: of each network relative to the others; empty where all count the same.
    """

    activation: Activation = Activation.NONE
    weights: tuple[float, ...] = ()


PLAIN_MEAN = Averaging()


def networks_apart(windows: Windows, averaging: Averaging) -> bool:
    """Whether each of several networks' scores is made whole from its windows before they are averaged.

    So it is for probabilities, and by the rule of nnU-Net, which rounds each network's mean to 16 bits.
    """
    return averaging != PLAIN_MEAN or (windows.rule is WindowRule.NNUNET and windows.size is not None)


class RestoreOrder(Enum):
    """What comes first on the way back to the source grid."""

    SCORES_THEN_DECIDE = "scores then decide"
    DECIDE_THEN_LABELS = "decide then labels"


@dataclass(frozen=True)
class Restore:
    """How scores become labels on the source grid; labels are always restored by nearest neighbour.

    Attributes:
        probability: turns restored scores into probabilities where those are wanted, after ``activation``; a stage's
            own labels do not depend on it.
        cleaning: of the labels on the grid on which they are decided, before they come back.
    """

    activation: Activation = Activation.SOFTMAX
    order: RestoreOrder = RestoreOrder.SCORES_THEN_DECIDE
    interpolation: Interpolation = Interpolation.LINEAR
    probability: Activation = Activation.NONE
    cleaning: tuple[LabelOperation, ...] = ()


@dataclass(frozen=True)
class CropToLabels:
    """A stage that sees only the box of what an earlier stage found, and a margin.

    Attributes:
        stage: index of the earlier stage.
        labels: its label values that count, all where empty.
        margin_mm: on each side, as many whole voxels as there is room for in it.
        whole_numbers: what is behind the point of a value is cut off.
    """

    stage: int
    labels: tuple[int, ...] = ()
    margin_mm: float = 0.0
    whole_numbers: bool = False


@dataclass(frozen=True)
class InferenceStage:
    """One pass from images to labels.

    Attributes:
        crop: limits it to where an earlier stage found something; where that found nothing, nothing is found here.
        labels_of: index of an earlier stage whose labels come as further channels, one a label value (a cascade).
        paints: final label value of each label value of this stage, the background's first; empty where they are the
            same. 0 drops a label.
        averaging: of the networks of this stage.
        slicewise: each slice across the source's first axis is prepared and decided as an image of its own.
        channels_apart: the spatial steps are those of the first channel; the others are sampled once, from their own
            grids onto where these lead. Otherwise all are brought onto the first one's grid before any step.
    """

    preprocessing: tuple[Operation, ...]
    windows: Windows
    decision: Decision
    restore: Restore = Restore()
    postprocessing: tuple[LabelOperation, ...] = ()
    crop: CropToLabels | None = None
    labels_of: int | None = None
    paints: tuple[int, ...] = ()
    averaging: Averaging = PLAIN_MEAN
    slicewise: bool = False
    channels_apart: bool = False

    def __post_init__(self) -> None:
        if self.labels_of is not None and not isinstance(self.decision, (Argmax, Regions)):
            raise ValueError("a cascade's stage decides between labels that do not overlap")
        if self.slicewise and (self.labels_of is not None or self.crop is not None):
            raise ValueError("a stage that goes slice by slice stands by itself")


@dataclass(frozen=True)
class Ensemble:
    """Stages that look at the same image and give the same classes.

    Their probabilities are averaged on the source grid, and that mean is decided (nnU-Net's ``nnUNetv2_ensemble``).

    Attributes:
        stages: at least two indices.
    """

    stages: tuple[int, ...]
    decision: Decision


@dataclass(frozen=True)
class ModelSpec:
    """A model, without its network.

    Attributes:
        id: the name of its folder in the store, the way a user calls it.
        format: the adapter that reads it, e.g. ``monai_bundle``.
        sha256: of its files, so that a result can be traced to the exact model.
        commercial_use: whether the licence allows it, None where the publisher does not say.
        wants_region: it was trained on crops; a run on a whole scan needs a region around the structure.
        merged: indices of the stages whose labels make up the result, painted over each other in this order; empty for
            the last one alone.
        ensemble: the stages whose mean makes the result; the others serve them.
        postprocessing: of the result.
        own_code: it runs by code of its own, which the user has trusted; its stages are for estimates only.
        variants: names that may follow the id and a slash, each another way to run the same files.
        notices: what was changed or left out when its description was read.
        classes: of a model that says what an image shows as a whole, in the network's order; it has no segments then.
    """

    id: str
    name: str
    format: str
    channels: tuple[Channel, ...]
    stages: tuple[InferenceStage, ...]
    segments: tuple[SegmentSpec, ...]
    version: str = ""
    description: str = ""
    anatomy: str = ""
    license: str = ""
    commercial_use: bool | None = None
    citation: str = ""
    intended_use: str = ""
    sha256: str = ""
    wants_region: bool = False
    own_code: bool = False
    merged: tuple[int, ...] = ()
    ensemble: Ensemble | None = None
    postprocessing: tuple[LabelOperation, ...] = ()
    variants: tuple[str, ...] = ()
    notices: tuple[Notice, ...] = ()
    classes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for number, stage in enumerate(self.stages):
            earlier = [stage.labels_of, stage.crop.stage if stage.crop else None]
            if any(index is not None and not 0 <= index < number for index in earlier):
                raise ValueError(f"model {self.id}: stage {number} refers to a stage that is not before it")
        if any(isinstance(self.stages[index].decision, Threshold) for index in self.merged):
            raise ValueError(f"model {self.id}: stages with overlapping labels cannot be merged")
        joined = [self.stages[index] for index in self.ensemble.stages] if self.ensemble else []
        if (self.merged and joined) or any(stage.crop or stage.postprocessing or stage.paints for stage in joined):
            raise ValueError(f"model {self.id}: the stages of an ensemble see the whole image and are not merged")
        for what, names in (
            ("channels", [c.name for c in self.channels]),
            ("segments", [s.name for s in self.segments]),
            ("label values", [s.label_value for s in self.segments]),
            ("classes", list(self.classes)),
        ):
            if len(set(names)) != len(names):
                raise ValueError(f"model {self.id}: two {what} are alike in {names}")

    @property
    def sees_slices(self) -> bool:
        """Whether its networks look at slices one by one, so that a single one is as good as a volume."""
        return all(stage.windows.size is not None and 1 in stage.windows.size for stage in self.stages)

    def with_test_time_flips(self, flips: tuple[tuple[int, ...], ...]) -> ModelSpec:
        """The same model, its windows averaged over other flips."""
        stages = tuple(replace(s, windows=replace(s.windows, test_time_flips=flips)) for s in self.stages)
        return replace(self, stages=stages)

    def with_postprocessing(self, *operations: LabelOperation) -> ModelSpec:
        """The same model, its result cleaned by further operations."""
        return replace(self, postprocessing=self.postprocessing + operations)
