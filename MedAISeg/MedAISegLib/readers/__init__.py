"""From DICOM series and image files to volumes with their series reference, attributes and notices."""
