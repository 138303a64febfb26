"""The border to MRML: volume and segmentation nodes, and the files that MRML writes. Runs in Slicer or on slicer-core."""
