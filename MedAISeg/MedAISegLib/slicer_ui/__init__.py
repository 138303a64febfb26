"""The panel of the Slicer module."""
