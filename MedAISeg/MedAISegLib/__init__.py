"""MedAISeg's library: one engine for the panel, the Python console, the command line and cohorts.

The layers, from the top down (a layer imports only what is below it)::

    slicer_ui | cli  ->  slicer_io  ->  app  ->  formats | readers | exporters  ->  engine  ->  models  ->  core
"""

__version__ = "0.1.0"
