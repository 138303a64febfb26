"""The use case: from images and a model to a segmentation, said once for panel, console, command line and cohort."""
