"""Whole training steps in torch, in every mode worth trying.

A mode is a list of words joined by '+':
  eager          as written, tensors NCHW
  channels_last  tensors NHWC, as torch recommends for convolutions
  compile        torch.compile (inductor), needs a C++ compiler
  bf16           bfloat16 autocast of the forward pass
A QAT mode starts with how the network is prepared (qat.py).
"""

import contextlib

import torch
from torch import nn

from peer_side import network as network_module

FLOAT_MODES = (
    "eager",
    "channels_last",
    "channels_last+compile",
    "eager+bf16",
    "channels_last+bf16",
    "channels_last+compile+bf16",
)


def has_compile():
    return hasattr(torch, "compile")


def modes_here(modes):
    """Those of the modes that this torch has."""
    return [m for m in modes if has_compile() or "compile" not in m]


def optimizer_of(kind, parameters):
    """The optimizer, by the fastest implementation this torch has."""
    make = {
        "sgd": lambda **how: torch.optim.SGD(
            parameters, lr=0.05, momentum=0.9, nesterov=True,
            weight_decay=1e-4, **how),
        "adamw": lambda **how: torch.optim.AdamW(
            parameters, lr=0.015, weight_decay=0.2, **how),
    }[kind]
    for how in ({"fused": True}, {"foreach": True}, {}):
        try:
            return make(**how)
        except (TypeError, RuntimeError):
            continue
    raise AssertionError("no implementation of " + kind)


class TrainingStep:
    """zero_grad, forward, cross entropy, backward, update."""

    def __init__(self, model, mode, optimizer, batch):
        words = mode.split("+")
        layout = (torch.channels_last if "channels_last" in words else
                  torch.contiguous_format)
        self._model = model.to(memory_format=layout).train()
        self._optimizer = optimizer_of(optimizer, model.parameters())
        self._images = batch[0].contiguous(memory_format=layout)
        self._labels = batch[1]
        self._loss = nn.CrossEntropyLoss(label_smoothing=0.1)
        self._bf16 = "bf16" in words
        self._forward = model
        if "compile" in words:
            self._forward = torch.compile(model)

    def _autocast(self):
        if not self._bf16:
            return contextlib.nullcontext()
        return torch.autocast("cpu", dtype=torch.bfloat16)

    def run(self):
        self._optimizer.zero_grad(set_to_none=True)
        with self._autocast():
            loss = self._loss(self._forward(self._images), self._labels)
        loss.backward()
        self._optimizer.step()
        return loss


def random_batch(description, size):
    generator = torch.Generator().manual_seed(7)
    pixels = description["input_size"]
    images = torch.randn(size, description["input_channels"], pixels, pixels,
                         generator=generator)
    labels = torch.randint(description["classes"], (size,),
                           generator=generator)
    return images, labels


def float_step(description, mode, optimizer, size):
    torch.manual_seed(1)
    model = network_module.build(description)
    return TrainingStep(model, mode, optimizer,
                        random_batch(description, size))
