"""Readers of what publishers of models say in their public repositories; one file a publisher."""
