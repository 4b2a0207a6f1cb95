"""Times a peer's work on request; started by the peers script.

Reads lines on standard input and answers each with one on standard output:

  version torch|onnxruntime -> VERSION
  modes KIND                -> MODE MODE ...   float_step, qat_step or int8
  run JSON                  -> MS              median of so many runs, fewer
                                               when they are slow

or "error MESSAGE". JSON: {"kind", "mode", "runs"} and, for training,
"description" (file), "optimizer", "batch"; for INT8, "model" (file), "batch".
"""

import argparse
import gc
import json
import statistics
import sys
import time
import warnings

WARM_UP_RUNS = 3
# A repeat ends early after this: slow modes are for comparison only.
REPEAT_SECONDS = 0.6


def make(request, threads):
    kind, mode = request["kind"], request["mode"]
    if kind == "int8":
        from peer_side import inference
        return inference.Inference(request["model"], mode, request["batch"],
                                   threads)
    with open(request["description"], encoding="utf-8") as file:
        description = json.load(file)
    from peer_side import qat, training
    step = {"float_step": training.float_step, "qat_step": qat.qat_step}[kind]
    return step(description, mode, request["optimizer"], request["batch"])


def modes_of(kind):
    if kind == "int8":
        from peer_side import inference
        return inference.MODES
    from peer_side import qat, training
    if kind == "qat_step":
        return qat.modes_here()
    return training.modes_here(training.FLOAT_MODES)


class Server:
    def __init__(self, threads):
        self._threads = threads
        self._works = {}

    def _find(self, request):
        key = json.dumps({k: v for k, v in request.items() if k != "runs"},
                         sort_keys=True)
        if key not in self._works:
            work = make(request, self._threads)
            for _ in range(WARM_UP_RUNS):
                work.run()
            self._works[key] = work
        return self._works[key]

    def _run(self, request):
        work = self._find(request)
        gc.collect()
        times = []
        for _ in range(request["runs"]):
            start = time.perf_counter()
            work.run()
            times.append((time.perf_counter() - start) * 1e3)
            if sum(times) > REPEAT_SECONDS * 1e3:
                break
        return "%.6f" % statistics.median(times)

    def answer(self, line):
        word, _, rest = line.partition(" ")
        if word == "run":
            return self._run(json.loads(rest))
        if word == "modes":
            return " ".join(modes_of(rest))
        if word == "version":
            return __import__(rest).__version__
        raise ValueError("unknown request: " + line)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--torch", action="store_true")
    args = parser.parse_args()
    warnings.filterwarnings("ignore")
    gc.disable()
    answers = sys.stdout
    sys.stdout = sys.stderr  # libraries may print
    if args.torch:
        import torch
        torch.set_num_threads(args.threads)
    server = Server(args.threads)
    for line in sys.stdin:
        try:
            answer = server.answer(line.strip())
        except Exception as error:  # pylint: disable=broad-except
            answer = "error %s: %s" % (type(error).__name__,
                                       " ".join(str(error).split())[:300])
        print(answer, file=answers, flush=True)


if __name__ == "__main__":
    main()
