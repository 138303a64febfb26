"""``DICOMLib`` as modules import it: the parts that load series from the database."""

from . import DICOMUtils as DICOMUtils
from .DICOMPlugin import DICOMLoadable as DICOMLoadable
from .DICOMPlugin import DICOMPlugin as DICOMPlugin
