"""Faster ways to the same scores: one technique a file, and the choice among them.

A technique takes a network and gives one that is called alike, is a module still (so that a run can be cancelled
between its layers), and shares the weights. Which one a run takes is found out on its own windows; see ``choosing``.
"""

from __future__ import annotations

from .choosing import FastestNetworks
from .ways import AUTOMATIC, PLAIN, Backend, Precision, Wanted, Way, ways_on

__all__ = ["AUTOMATIC", "PLAIN", "Backend", "FastestNetworks", "Precision", "Wanted", "Way", "ways_on"]
