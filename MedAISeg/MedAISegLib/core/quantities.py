"""Values as models want them: CT without padding, PET as SUV, nothing that is not a number.

They work on any Volume, so that an image read by us and the same image loaded by another program give equal labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np

from .errors import InputError
from .language import tr as _
from .notice import Notice
from .progress import Poll, never
from .volume import Volume, Voxels

PADDING_VALUES = "PixelPaddingRescaled"
"""Attribute: PixelPaddingValue and PixelPaddingRangeLimit in the units of the voxels, low and high."""

PHILIPS_SUV_FACTOR = "PhilipsSUVScaleFactor"
PHILIPS_ACTIVITY_FACTOR = "PhilipsActivityConcentrationScaleFactor"
GE_SCAN_DATE_TIME = "GEPETScanDateTime"
"""Attributes: private elements (7053,xx00), (7053,xx09) and (0009,xx0D)."""

AIR_HU = -1024.0

_HIGHEST_PADDING_HU = -900.0
"""A padding value above it is the value of tissue too, and must not be taken away."""

_SMALLEST_DOSE_BQ = 1e5
_LONGEST_HALF_LIVES = 20.0


def check_finite(volume: Volume, poll: Poll = never) -> None:
    """Raises:
    InputError: if a voxel is not a number or infinite.
    """
    if volume.voxels.dtype.kind in "iub":
        return
    bad = 0
    for plane in volume.voxels:
        bad += plane.size - int(np.count_nonzero(np.isfinite(plane)))
        poll()
    if not bad:
        return
    all_of_them = bad == volume.voxels.size
    what = _("no voxel of it is a number.") if all_of_them else _("{count} of its {total} voxels are not numbers.")
    again, replaced = _("Export the image again."), _("Replace NaN and infinite values, for instance by 0.")
    raise InputError(
        what.format(count=bad, total=volume.voxels.size),
        where=volume.description,
        remedy=again if all_of_them else replaced,
    )


def padding_to_air(volume: Volume, poll: Poll = never) -> Volume:
    """A CT whose padding outside the scanner's circle, and whatever else lies below air, is -1024 HU.

    The volume itself is returned where there is nothing to change.
    """
    notices: list[Notice] = []
    low, high = -np.inf, -np.inf
    if padding := volume.attributes.get(PADDING_VALUES):
        low, high = (float(value) for value in padding.split("\\"))
        if high > _HIGHEST_PADDING_HU:
            message = _("The padding value {high:g} HU is a value of tissue too; it was left as it is.").format(
                high=high
            )
            notices.append(Notice("padding-ambiguous", message))
            low, high = -np.inf, -np.inf

    def is_padding(plane: Voxels) -> Voxels:
        return np.asarray((plane < AIR_HU) | ((plane >= low) & (plane <= high) & (plane != AIR_HU)))

    voxels, count = volume.voxels, 0
    for plane in voxels:
        count += int(np.count_nonzero(is_padding(plane)))
        poll()
    if count:
        message = _("{count} voxels of padding or below -1024 HU were set to air (-1024 HU).").format(count=count)
        notices.append(Notice("padding-to-air", message))
        voxels = np.empty(voxels.shape, voxels.dtype)
        for source, target in zip(volume.voxels, voxels, strict=True):
            target[:] = np.where(is_padding(source), voxels.dtype.type(AIR_HU), source)
            poll()
    return volume.with_voxels(voxels, *notices) if notices else volume


def to_suv_bw(volume: Volume, poll: Poll = never) -> Volume:
    """A PET image as standardised uptake values by body weight, g/mL.

    After the vendor-neutral calculation of the Quantitative Imaging Biomarkers Alliance (FDG-PET/CT profile; DICOM
    PS3.3 C.8.9.1). An image that is SUV already comes back unchanged, so that nothing is scaled twice; one without
    Units (an image file) is taken as SUV, with a notice.

    Raises:
        InputError: if a value that the calculation needs is missing or cannot be right; the text names it.
    """
    units = volume.attributes.get("Units", "").upper()
    if units in ("GML", "G/ML"):
        _check_suv_type(volume)
        return volume
    if not units and volume.series is not None and volume.modality == "PT":
        raise _cannot(volume, _("{keyword} is missing.").format(keyword="Units"))
    if not units:
        message = _("The image does not say its units; its values are taken as SUV (g/mL).")
        return volume.with_voxels(volume.voxels, Notice("suv-assumed", message))
    if units == "BQML":
        factor = _suv_factor(volume)
    elif units == "CNTS":
        factor = _philips_factor(volume)
    else:
        raise _cannot(
            volume,
            _("its Units are {units}; SUV can be made of BQML, or of CNTS with Philips' factors.").format(units=units),
        )
    scaled = np.empty(volume.voxels.shape, dtype=np.float32)
    for source, target in zip(volume.voxels, scaled, strict=True):
        np.multiply(source, factor, out=target, dtype=np.float32, casting="unsafe")
        poll()
    notice = Notice(
        "suv", _("Activity was converted to SUV by body weight (factor {factor:.4g}).").format(factor=factor)
    )
    return replace(volume.with_voxels(scaled, notice), attributes=dict(volume.attributes) | {"Units": "GML"})


def _check_suv_type(volume: Volume) -> None:
    kind = volume.attributes.get("SUVType", "BW").upper()
    if kind != "BW":
        raise _cannot(volume, _("it holds SUV normalised by {kind}, not by body weight.").format(kind=kind))


def _philips_factor(volume: Volume) -> float:
    direct = _positive(volume.attributes.get(PHILIPS_SUV_FACTOR, ""))
    if direct is not None:
        return direct
    activity = _positive(volume.attributes.get(PHILIPS_ACTIVITY_FACTOR, ""))
    if activity is not None:
        return activity * _suv_factor(volume)
    raise _cannot(volume, _("its Units are CNTS and Philips' scale factors are missing."))


def _suv_factor(volume: Volume) -> float:
    """g/mL for one Bq/mL."""
    _check_corrections(volume)
    weight_kg = _number(volume, "PatientWeight")
    dose_bq = _number(volume, "RadionuclideTotalDose")
    if dose_bq < _SMALLEST_DOSE_BQ:
        raise _cannot(
            volume,
            _("RadionuclideTotalDose is {dose_bq:g} Bq; DICOM wants Bq, this looks like MBq.").format(dose_bq=dose_bq),
        )
    if volume.attributes.get("DecayCorrection", "").upper() == "ADMIN":
        return weight_kg * 1000.0 / dose_bq
    half_life_s = _number(volume, "RadionuclideHalfLife")
    decay_s = _decay_time_s(volume)
    if decay_s > _LONGEST_HALF_LIVES * half_life_s:
        raise _cannot(volume, _("the scan starts {decay_s:.1f} h after the injection.").format(decay_s=decay_s / 3600))
    return float(weight_kg * 1000.0 / (dose_bq * 2.0 ** (-decay_s / half_life_s)))


def _check_corrections(volume: Volume) -> None:
    decay = volume.attributes.get("DecayCorrection", "").upper()
    if decay not in ("START", "ADMIN"):
        absent = _("DecayCorrection is missing; START or ADMIN is needed.")
        other = _("DecayCorrection is {found}; START or ADMIN is needed.")
        raise _cannot(volume, other.format(found=decay) if decay else absent)
    corrected = volume.attributes.get("CorrectedImage", "").upper().split("\\")
    missing = [word for word in ("ATTN", "DECY") if word not in corrected]
    if missing and corrected != [""]:
        both = _("the image is not corrected for {first} and {second} (CorrectedImage).")
        one = _("the image is not corrected for {first} (CorrectedImage).")
        what = both if len(missing) > 1 else one
        raise _cannot(volume, what.format(first=missing[0], second=missing[-1]))


def _decay_time_s(volume: Volume) -> float:
    """Seconds from the injection to the time that the activity is corrected to, the start of the scan."""
    scan = _scan_start(volume)
    injection = _time(volume, (), "RadiopharmaceuticalStartDateTime")
    if injection is None:
        time = _time(volume, (), "RadiopharmaceuticalStartTime")
        if time is None:
            raise _cannot(volume, _("{keyword} is missing.").format(keyword="RadiopharmaceuticalStartTime"))
        injection = time.replace(year=scan.year, month=scan.month, day=scan.day)
        if injection > scan:
            injection -= timedelta(days=1)
    decay_s = (scan - injection).total_seconds()
    if decay_s < 0.0:
        raise _cannot(volume, _("the scan starts before the injection."))
    return decay_s


def _scan_start(volume: Volume) -> datetime:
    """The series' start; one after the first acquisition is the time of later processing and does not count."""
    dates = ("SeriesDate", "AcquisitionDate")
    series = _time(volume, dates, "SeriesTime")
    acquisition = _time(volume, dates[::-1], "AcquisitionTime")
    if series is not None and (acquisition is None or series <= acquisition):
        return series
    start = _time(volume, (), GE_SCAN_DATE_TIME) or acquisition
    if start is None:
        raise _cannot(volume, _("SeriesTime and AcquisitionTime are missing."))
    return start


def _time(volume: Volume, date_keywords: Sequence[str], time_keyword: str) -> datetime | None:
    """A DICOM date and time (PS3.5 6.2: DA, TM, DT) without its time zone; a time without a date falls on day one."""
    time = volume.attributes.get(time_keyword, "").split("\\")[0].split("+")[0].split("-")[0].replace(":", "")
    if not time:
        return None
    date = next((date for keyword in date_keywords if (date := volume.attributes.get(keyword))), "19000101")
    text = time if len(time.split(".")[0]) > 8 else date + time
    whole, _point, fraction = text.partition(".")
    try:
        moment = datetime.strptime(whole.ljust(14, "0"), "%Y%m%d%H%M%S")  # noqa: DTZ007
    except ValueError:
        raise _cannot(
            volume, _("{time_keyword} {time!r} is no time.").format(time_keyword=time_keyword, time=time)
        ) from None
    return moment + timedelta(microseconds=int((fraction + "000000")[:6] or 0))


def _number(volume: Volume, keyword: str) -> float:
    text = volume.attributes.get(keyword, "").split("\\")[0]
    value = _positive(text)
    if value is None:
        what = _("{keyword} is {found}.") if text else _("{keyword} is missing.")
        raise _cannot(volume, what.format(keyword=keyword, found=text))
    return value


def _positive(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0.0 < value < float("inf") else None


def _cannot(volume: Volume, why: str) -> InputError:
    return InputError(
        _("SUV cannot be calculated: {why}").format(why=why),
        where=volume.description,
        remedy=_("Convert the image to SUV with a tool that knows these values, or add them to its header."),
    )
