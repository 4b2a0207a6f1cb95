"""The network that `frostctl describe --json` lists, as a torch module.

Layer by layer the same as ours: channels, kernels, batch norm, ReLU, concat,
residual, dropout. The description gives no edges; names do: concat and add
read the last layer and the block's own input.
"""

import torch
from torch import nn


def conv_of(layer):
    """The convolution of a described layer, without bias."""
    kernel, channels = layer["kernel"], layer["in"][2]
    groups = channels if layer["kind"] == "depthwise" else 1
    return nn.Conv2d(channels, layer["out"][2], kernel, layer["stride"],
                     (kernel - 1) // 2, groups=groups, bias=False)


class Unit(nn.Sequential):
    """Convolution, batch norm and, but for projections, ReLU.

    Children are named as torch's QAT fuses them.
    """

    def __init__(self, layer):
        super().__init__()
        self.add_module("conv", conv_of(layer))
        self.add_module("bn", nn.BatchNorm2d(layer["out"][2]))
        if not layer["name"].endswith(".project"):
            self.add_module("relu", nn.ReLU())


class Concat(nn.Module):
    def forward(self, a, b):
        return torch.cat([a, b], 1)


class Add(nn.Module):
    def forward(self, a, b):
        return a + b


class Pool(nn.Module):
    def forward(self, x):
        return x.mean((2, 3))


MODULES = {
    "conv": Unit,
    "depthwise": Unit,
    "concat": lambda layer: Concat(),
    "add": lambda layer: Add(),
    "global_pool": lambda layer: Pool(),
    "dropout": lambda layer: nn.Dropout(0.2),
    "linear": lambda layer: nn.Linear(layer["in"][2], layer["out"][2]),
}


class Network(nn.Module):
    """Steps are (module, whether it also reads the block's input)."""

    def __init__(self, description, merge_modules=None):
        super().__init__()
        make = dict(MODULES, **(merge_modules or {}))
        self.steps = nn.ModuleList()
        self.reads_block_input = []
        self.starts_block = []
        block = None
        for layer in description["layers"]:
            name = layer["name"].split(".")[0]
            self.starts_block.append(name != block)
            block = name
            self.steps.append(make[layer["kind"]](layer))
            self.reads_block_input.append(layer["kind"] in ("concat", "add"))

    def forward(self, x):
        block_input = x
        for step, starts, merges in zip(self.steps, self.starts_block,
                                        self.reads_block_input):
            if starts:
                block_input = x
            x = step(x, block_input) if merges else step(x)
        return x


def build(description, merge_modules=None):
    """Refuses a replica whose parameters are not as many as ours."""
    network = Network(description, merge_modules)
    count = sum(p.numel() for p in network.parameters())
    if count != description["params"]:
        raise ValueError("the replica has %d parameters, ours %d" %
                         (count, description["params"]))
    return network
