"""Which of our works is measured against what.

The names of works are those of tests/bench/works/work.h. Training compares
whole steps with the same optimizer. `float32` is our single precision; `mixed`,
our default, keeps 16 bits between layers, so torch's bfloat16 autocast is among
its modes.
"""

import collections

# kind: what the peer's server is asked for; "" compares with `other`, a work of
# ours. runs: timed runs that one repeat is the median of.
Comparison = collections.namedtuple(
    "Comparison", "work kind peer threads runs optimizer batch other")


def _training(work, kind):
    return Comparison(work, kind, "torch", 2, 3, work.split("/")[1], 64, "")


def _inference(work, runs):
    return Comparison(work, "int8", "onnxruntime", 1, runs, "",
                      int(work.rsplit("_", 1)[1]), "")


def _own(work, other):
    return Comparison(work, "", "ours", 2, 3, "", 64, other)


COMPARISONS = (
    _training("float_step/sgd/mixed", "float_step"),
    _training("float_step/sgd/float32", "float_step"),
    _training("float_step/adamw/mixed", "float_step"),
    _training("qat_step/sgd/mixed", "qat_step"),
    _own("qat_step/sgd/mixed", "float_step/sgd/mixed"),
    _own("qat_step/muon/mixed", "float_step/muon/mixed"),
    _own("supernet_weight_step", "supernet_sampled_alone"),
    _inference("int8/small_0.5_32px/batch_64", 20),
    _inference("int8/small_0.5_32px/batch_1", 200),
    _inference("int8/small_1.0_224px/batch_1", 60),
)


def works():
    """Names, each once, in order."""
    return list(dict.fromkeys(c.work for c in COMPARISONS))


def chosen(only, threads):
    """Comparisons of the works `only` (all when empty) on `threads` threads
    (each its own when 0). KeyError: an unknown work."""
    for work in only:
        if work not in works():
            raise KeyError(work)
    picked = [c for c in COMPARISONS if not only or c.work in only]
    return [c._replace(threads=threads or c.threads) for c in picked]
