"""Networks of the same weights with other layers."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch

_HOOKS = ("_forward_pre_hooks", "_forward_hooks", "_forward_pre_hooks_with_kwargs", "_forward_hooks_with_kwargs")


def with_layers_as(
    network: torch.nn.Module, kinds: Mapping[type[torch.nn.Module], type[torch.nn.Module]]
) -> torch.nn.Module | None:
    """A copy that shares parameters, buffers and hooks, its layers of one class made those of another.

    Args:
        kinds: for a class of layers (not those derived from it) the class to take in its place; that class must keep
            the same attributes, and do without an initialisation of its own.

    Returns:
        None where there is no such layer, or what is compiled cannot be looked into.
    """
    modules = list(network.modules())
    compiled = any(isinstance(module, torch.jit.ScriptModule) for module in modules)
    if compiled or not any(type(module) in kinds for module in modules):
        return None
    shared = [*network.parameters(), *network.buffers()]
    # Who listens to a layer hears of it however it is run.
    hooks = [getattr(module, name) for module in modules for name in _HOOKS]
    twin = copy.deepcopy(network, {id(one): one for one in (*shared, *hooks)})
    for module in twin.modules():
        kind = kinds.get(type(module))
        if kind is not None:
            module.__class__ = kind
    return twin
