"""The experiments of docs/quantization.md as data: what is trained, what is
quantized, and how runs over several seeds become the rows of a table."""

import dataclasses
import re
import statistics


@dataclasses.dataclass(frozen=True)
class Run:
    """One training, and what is made of its float network.

    Runs with the same flags of training share it, also between experiments.
    Without methods the row is the trained package itself.
    """
    name: str  # of its rows, unique in its experiment
    train: str  # flags of //quant:train
    methods: str = ""  # --method of //quant:quantize
    quantize: str = ""  # its other flags


@dataclasses.dataclass(frozen=True)
class Experiment:
    about: str
    dataset: str
    runs: tuple


_SEARCHES = "fixed_point,fixed_point_independent,fixed_point_plus"
# The published search, one scale a tensor, has no start where depthwise filters
# differ, unless they are equalised.
_EQUALISED_SEARCHES = "cle+fixed_point,fixed_point_plus"
_MOBILENET_V1 = "--arch mobilenet_v1 --width 0.25 --mode float --epochs 4"
_SEQUENTIAL = "--arch goyal_sequential --mode float --epochs 6"


def _separable():
    tensor = "--weights per_tensor"
    return Experiment(
        "one scale a tensor: MobileNetV1 and its quantization-friendly form",
        "cifar10",
        (Run("mobilenet_v1", _MOBILENET_V1,
             "minmax,percentile,mse,kl,bias_correction,cle,relu+cle,"
             "rescale+minmax,cle+mse+bias_correction", tensor),
         Run("with_min_variance", _MOBILENET_V1, "minmax",
             tensor + " --min_variance 1e-6"),
         Run("per_channel", _MOBILENET_V1, "minmax,cle+mse+bias_correction"),
         Run("qf_mobilenet_v1", "--arch qf_mobilenet_v1 --width 0.25 --mode "
             "float --epochs 4 --depthwise_weight_decay 0.002",
             "minmax,cle+mse+bias_correction", tensor)))


def _four_bits():
    return Experiment(
        "weights of 4 bits, a scale a channel: MobileNetV1", "cifar10",
        (Run("mobilenet_v1", _MOBILENET_V1,
             "minmax,mse,mse+bias_correction,mse+adaround",
             "--weight_bits 4"),))


def _fixed_point(dataset, name, train, searches=_SEARCHES):
    return Experiment(
        "bits for each tensor of %s on %s, at most 1 %% relative loss" %
        (name, dataset), dataset,
        (Run(name, train, searches, "--max_accuracy_loss 0.01"),))


def _thresholds():
    train = "--arch mobilenet_v2 --width 0.35 --mode float --epochs 8"
    few = "--calibration_images 100"
    return Experiment(
        "trained thresholds and rescaling: MobileNetV2, a tenth of the "
        "training images, no labels", "cifar10",
        (Run("scalar", train, "minmax,fat,rescale+minmax",
             few + " --weights per_tensor"),
         Run("scalar_rescaled", train, "fat",
             few + " --weights per_tensor --rescale"),
         Run("vector", train, "minmax,fat", few)))


def _from_scratch(arch, observers):
    flags = "--arch %s --width 0.35 --optimizer sgd --epochs 8 " % arch
    qat = flags + "--mode qat --observers %s --qat_epochs " % observers
    return Experiment(
        "%s from scratch, quantization-aware with %s observers" %
        (arch, observers), "cifar10",
        (Run("float", flags + "--mode float"), Run("plain", qat + "8"),
         Run("statassist_gradboost", qat + "7 --gradboost corrected")))


EXPERIMENTS = {
    "separable": _separable(),
    "four_bits": _four_bits(),
    "fixed_point": _fixed_point("cifar10", "goyal_sequential", _SEQUENTIAL),
    "fixed_point_fashion": _fixed_point("idx", "goyal_sequential",
                                        _SEQUENTIAL),
    "fixed_point_mobilenet": _fixed_point("cifar10", "mobilenet_v1",
                                          _MOBILENET_V1, _EQUALISED_SEARCHES),
    "fixed_point_frostnet": _fixed_point(
        "cifar10", "frostnet_small",
        "--arch frostnet_small --width 0.35 --mode float --epochs 6",
        _EQUALISED_SEARCHES),
    "thresholds": _thresholds(),
    "from_scratch_base": _from_scratch("frostnet_base", "stable"),
    "from_scratch_base_published": _from_scratch("frostnet_base",
                                                 "published"),
    "from_scratch_large": _from_scratch("frostnet_large", "stable"),
    "from_scratch_large_published": _from_scratch("frostnet_large",
                                                  "published"),
}

_COLUMNS = (  # title, field of a result, factor, decimals
    ("float %", "float_top1", 100, 2),
    ("INT8 %", "int8_top1", 100, 2),
    ("loss", "loss", 100, 2),
    ("relative loss %", "relative_loss", 100, 2),
    ("memory saved %", "memory_saving", 100, 1),
    ("multiplications saved %", "multiplication_saving", 100, 1),
)


def folder_name(flags):
    """A folder for what `flags` give: another for each value of each."""
    return re.sub(r"[^\w.+-]+", "_", flags).replace("--", "") or "plain"


def with_losses(result):
    """`result`, a report of train or quantize, with what follows from it."""
    loss = result["float_top1"] - result["int8_top1"]
    return dict(result, loss=loss, relative_loss=loss / result["float_top1"])


def mean_and_spread(values, decimals):
    """As text; the spread is the sample's standard deviation."""
    mean = "%.*f" % (decimals, statistics.mean(values))
    if len(values) < 2:
        return mean
    return "%s ± %.*f" % (mean, decimals, statistics.stdev(values))


def by_row(of_seeds):
    """{row: [result, ...]} of a list of {row: result}, which may lack some."""
    results = {}
    for rows in of_seeds:
        for row, result in rows.items():
            results.setdefault(row, []).append(result)
    return results


def table(results):
    """Markdown of {row: [result of a seed, ...]}."""
    columns = [c for c in _COLUMNS
               if all(c[1] in r for rs in results.values() for r in rs)]
    lines = ["| run | seeds | " + " | ".join(c[0] for c in columns) + " |",
             "|---|" + "---|" * (1 + len(columns))]
    for row, of_seeds in results.items():
        cells = [mean_and_spread([r[field] * factor for r in of_seeds],
                                 decimals)
                 for _, field, factor, decimals in columns]
        lines.append("| %s | %d | %s |" % (row, len(of_seeds),
                                           " | ".join(cells)))
    return "\n".join(lines)
