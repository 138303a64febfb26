"""The recipe of the embedded model; ``python -m training.hippocampus`` follows it."""
