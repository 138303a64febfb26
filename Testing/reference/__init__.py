"""The same case through a reference implementation and through us."""
