"""DICOM SEG, NIfTI and tables; each writes atomically."""
