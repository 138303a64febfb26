"""What every layer shares: geometry, volumes, cases, segmentations, errors, progress. numpy only."""
