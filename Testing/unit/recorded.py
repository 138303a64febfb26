"""Records of measurements that nobody has made."""

from __future__ import annotations

from benchmarks.record import Agreement, Environment, WarmRun

ENVIRONMENT = Environment("a processor", 2, 24, "Linux 6", 2, "3.11", {"torch": "2"}, "abc")
AGREEMENT = Agreement(differing_voxels=2, foreground_voxels=1000, labels=3)


def a_run(forward_s: float, peak_mb: int, device_mb: int = 0) -> WarmRun:
    """One that needs a second more than its network."""
    return WarmRun(
        read_s=0.1,
        prepare_s=0.5,
        forward_s=forward_s,
        windows_s=0.2,
        finish_s=0.3,
        write_s=0.1,
        peak_bytes=peak_mb * 1_000_000,
        cpu_s=forward_s * 2,
        device_peak_bytes=device_mb * 1_000_000,
    )
