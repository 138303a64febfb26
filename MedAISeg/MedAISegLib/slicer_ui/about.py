"""What Slicer's help section says of the module."""

from __future__ import annotations

from .texts import _

CONTRIBUTORS = ("The MedAISeg contributors",)


def help_text() -> str:
    """What the module does, and how it is used; rich text."""
    return _("""
<p>Runs AI segmentation models on CT, MR and PET images, and places the labels exactly where the voxels are.</p>
<ol>
<li><b>Model</b>: choose one that is here, download one of the publishers', or import your own: MONAI bundles, nnU-Net and Auto3DSeg folders, TorchScript and ONNX networks.</li>
<li><b>Input</b>: the image of each channel is proposed, from the scene or the DICOM database; the reason is in its tooltip.</li>
<li><b>Region</b>: an ROI limits the run, if you want.</li>
<li><b>Output</b>: a new segmentation, or one to be updated; what you edited stays.</li>
<li><b>Apply</b>. Slicer can be used meanwhile, and Cancel stops it within a second.</li>
</ol>
<p>The results are ordinary segmentations: correct them in the Segment Editor, export them as DICOM SEG, NIfTI, NRRD, STL or OBJ.</p>
<p>In an empty scene the button <i>Try it</i> draws a sample study; it is not of a person.</p>
<p><b>For research, not a medical device.</b> Images never leave this computer. The network is asked for nothing but Python packages
(pypi.org, pytorch.org) and models (their publishers), after a press of Install or Download. Both lie in folders of their own in your
program data; a button beside each removes them, and “Strictly offline” (Advanced) keeps all of it from the network.</p>
""")  # noqa: E501


def acknowledgement() -> str:
    """What it is built on; rich text."""
    return _("""
<p>Built on <a href="https://www.slicer.org">3D Slicer</a>, <a href="https://monai.io">MONAI</a>,
<a href="https://pytorch.org">PyTorch</a>, <a href="https://github.com/ImagingDataCommons/highdicom">highdicom</a>,
<a href="https://pydicom.github.io">pydicom</a>, <a href="https://simpleitk.org">SimpleITK</a> and
<a href="https://nipy.org/nibabel">NiBabel</a>, and on Slicer's
<a href="https://github.com/fepegar/SlicerPyTorch">PyTorch extension</a>.</p>
<p>The embedded model and the atlas of the sample study were made from the hippocampus data of the
<a href="http://medicaldecathlon.com">Medical Segmentation Decathlon</a> and are under CC BY-SA 4.0; the source is
under the Apache License 2.0. Please cite the publication of the model that you use: its card names it.</p>
""")
