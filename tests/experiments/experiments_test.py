#!/usr/bin/env python3
"""Tests of the experiments: statistics, table, a run and its resumption."""

import os
import subprocess
import sys
import tempfile
import unittest

_HERE = os.path.dirname(os.path.realpath(__file__))
_PROGRAMS = os.path.join(os.getcwd(), "quant", "programs")
sys.path.insert(0, _HERE)

# pylint: disable=wrong-import-position
import experiments


class TableTest(unittest.TestCase):

    def test_spread_is_the_samples_standard_deviation(self):
        self.assertEqual(experiments.mean_and_spread([1, 2, 3], 2),
                         "2.00 ± 1.00")
        self.assertEqual(experiments.mean_and_spread([7.25], 1), "7.2")

    def test_losses_follow_from_accuracies(self):
        result = experiments.with_losses({"float_top1": 0.8,
                                          "int8_top1": 0.78})
        self.assertAlmostEqual(result["loss"], 0.02)
        self.assertAlmostEqual(result["relative_loss"], 0.025)

    def test_table_has_the_columns_that_all_rows_have(self):
        rows = {"a": [{"float_top1": 0.5, "memory_saving": 0.1}],
                "b": [{"float_top1": 0.25}, {"float_top1": 0.75}]}
        self.assertEqual(experiments.table(rows).split("\n"), [
            "| run | seeds | float % |", "|---|---|---|", "| a | 1 | 50.00 |",
            "| b | 2 | 50.00 ± 35.36 |"])

    def test_rows_keep_the_seeds_that_they_have(self):
        self.assertEqual(experiments.by_row([{"a": 1, "b": 2}, {"b": 3}, {}]),
                         {"a": [1], "b": [2, 3]})

    def test_rows_have_names_of_their_own(self):
        for name, experiment in experiments.EXPERIMENTS.items():
            rows = [(run.name, method) for run in experiment.runs
                    for method in run.methods.split(",")]
            self.assertEqual(len(rows), len(set(rows)), name)

    def test_other_flags_have_other_folders(self):
        flags = ["", "--epochs 4", "--epochs 41", "--epochs 4 --rescale",
                 "--epochs 4 --rate 1e-6", "--epochs 4 --rate 1e6"]
        self.assertEqual(len({experiments.folder_name(f) for f in flags}),
                         len(flags))
        self.assertEqual(experiments.folder_name("--epochs 4 --seed 0"),
                         "epochs_4_seed_0")


class RunTest(unittest.TestCase):

    def run_experiment(self, folder, programs=_PROGRAMS):
        return subprocess.run(
            [os.path.join(_HERE, "run"), "separable", "--dataset", "synthetic",
             "--train_images", "600", "--seeds", "3", "--out", folder,
             "--programs", programs], capture_output=True, text=True,
            check=False)

    def test_trains_quantizes_and_goes_on(self):
        with tempfile.TemporaryDirectory() as folder:
            first = self.run_experiment(folder)
            self.assertEqual(first.returncode, 0, first.stderr)
            lines = first.stdout.strip().split("\n")
            commands = [l for l in lines if not l.startswith("|")]
            # Two networks trained, each once, and quantized in 14 ways.
            self.assertEqual(len(commands), 16)
            self.assertIn("| mobilenet_v1, minmax | 1 |", first.stdout)

            again = self.run_experiment(folder)
            self.assertEqual(again.stdout.strip().split("\n"),
                             [l for l in lines if l.startswith("|")])

    def test_goes_on_and_says_why_a_program_failed(self):
        with tempfile.TemporaryDirectory() as folder:
            programs = os.path.join(folder, "programs")
            os.mkdir(programs)
            with open(os.path.join(programs, "train"), "w",
                      encoding="utf-8") as program:
                program.write("#!/bin/sh\necho no such luck\nexit 3\n")
            os.chmod(os.path.join(programs, "train"), 0o755)
            failed = self.run_experiment(folder, programs)
            self.assertEqual(failed.returncode, 1)
            for row in ("mobilenet_v1", "qf_mobilenet_v1"):
                self.assertIn(row + ", seed 3: train ended with 3: no such "
                              "luck (", failed.stderr)


if __name__ == "__main__":
    unittest.main()
