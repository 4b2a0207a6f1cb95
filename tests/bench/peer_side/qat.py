"""The network prepared for quantization-aware training by torch itself.

Weights per channel and symmetric, activations by moving averages: the defaults
of each form, which are also ours.
  qat    eager mode (torch.ao.quantization), conv, batch norm and ReLU fused
  pt2e   export (torchao), where it is installed
"""

import torch
from torch import nn

from peer_side import network as network_module
from peer_side import training

MODES = (
    "qat",
    "qat+channels_last",
    "qat+channels_last+compile",
    "pt2e+channels_last",
)


def modes_here():
    modes = training.modes_here(MODES)
    try:
        import torchao  # pylint: disable=unused-import,g-import-not-at-top
    except ImportError:
        modes = [m for m in modes if not m.startswith("pt2e")]
    return modes


def _merge_modules():
    """Concat and add whose result is fake-quantized."""
    from torch.ao.nn.quantized import FloatFunctional

    class Concat(nn.Module):
        def __init__(self, _):
            super().__init__()
            self.op = FloatFunctional()

        def forward(self, a, b):
            return self.op.cat([a, b], 1)

    class Add(nn.Module):
        def __init__(self, _):
            super().__init__()
            self.op = FloatFunctional()

        def forward(self, a, b):
            return self.op.add(a, b)

    return {"concat": Concat, "add": Add}


def _eager(description):
    from torch.ao import quantization
    model = network_module.build(description, _merge_modules()).train()
    for step in model.steps:
        if isinstance(step, network_module.Unit):
            names = [name for name, _ in step.named_children()]
            quantization.fuse_modules_qat(step, [names], inplace=True)
    model = nn.Sequential(quantization.QuantStub(), model)
    backend = "x86" if training.has_compile() else "fbgemm"
    model.qconfig = quantization.get_default_qat_qconfig(backend)
    quantization.prepare_qat(model, inplace=True)
    return model


def _pt2e(description, images):
    from torchao.quantization import pt2e
    from torchao.quantization.pt2e import quantize_pt2e
    from torchao.quantization.pt2e.quantizer import x86_inductor_quantizer
    exported = torch.export.export(
        network_module.build(description).train(), (images,)).module()
    quantizer = x86_inductor_quantizer.X86InductorQuantizer().set_global(
        x86_inductor_quantizer.get_default_x86_inductor_quantization_config(
            is_qat=True))
    model = quantize_pt2e.prepare_qat_pt2e(exported, quantizer)
    pt2e.move_exported_model_to_train(model)
    # An exported module refuses train(), which it is in already.
    model.train = lambda mode=True: model
    return model


def qat_step(description, mode, optimizer, size):
    torch.manual_seed(1)
    images, labels = training.random_batch(description, size)
    form, _, rest = mode.partition("+")
    if form == "pt2e":
        model = _pt2e(description,
                      images.contiguous(memory_format=torch.channels_last))
    else:
        model = _eager(description)
    return training.TrainingStep(model, rest or "eager", optimizer,
                                 (images, labels))
