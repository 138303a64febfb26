"""Weights of a bundle's network from a seed: ``python weights_run.py CONFIG SEED WEIGHTS``, in the bundle's folder."""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from monai.bundle import ConfigParser


def main(config: str, seed: str, weights: str) -> None:
    parser = ConfigParser()
    parser.read_config(config)
    parser["bundle_root"] = str(Path.cwd())
    torch.manual_seed(int(seed))
    network = parser.get_parsed_content("network_def")
    torch.save({"model": network.state_dict()}, weights)


if __name__ == "__main__":
    main(*sys.argv[1:])
