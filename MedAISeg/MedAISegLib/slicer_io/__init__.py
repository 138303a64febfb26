"""The border to MRML: volume and segmentation nodes and the files MRML writes; in Slicer or on slicer-core."""
