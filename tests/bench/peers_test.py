#!/usr/bin/env python3
"""Tests of the peers script: statistics, table, plan and servers' lines."""

import json
import os
import subprocess
import sys
import tempfile
import unittest

_BENCH = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, _BENCH)

# pylint: disable=wrong-import-position
from peer_side import environment, plan, report, servers


def row(mode, pairs, peer="torch"):
    return report.make_row({"work": "w", "peer": peer, "peer_version": "1",
                            "mode": mode, "threads": 2}, pairs)


class ReportTest(unittest.TestCase):

    def test_ratio_is_the_median_of_the_repeats_ratios(self):
        one = row("a", [(10, 30), (20, 40), (10, 25)])
        self.assertEqual(one["ours_ms"], 10)
        self.assertEqual(one["peer_ms"], 30)
        self.assertEqual(one["ratio"], 2.5)
        self.assertEqual(one["spread"], [2.25, 2.75])
        self.assertEqual(one["repeats"], 3)

    def test_one_repeat_has_no_spread(self):
        self.assertEqual(row("a", [(2, 3)])["spread"], [1.5, 1.5])

    def test_rows_have_the_fields_that_readers_expect(self):
        self.assertLessEqual(
            {"work", "ours_ms", "peer", "peer_version", "peer_ms", "ratio",
             "repeats", "spread"}, set(row("a", [(2, 3)])))

    def test_only_modes_near_the_best_stay_in_play(self):
        pairs = {"fast": [(10, 20), (1, 2)], "near": [(1, 2.8)],
                 "slow": [(1, 3.2)], "failed": []}
        self.assertEqual(report.still_in_play(pairs), ["fast", "near"])
        self.assertEqual(report.still_in_play({}), [])

    def test_the_fastest_mode_of_each_peer_is_the_best(self):
        rows = report.mark_best([row("a", [(1, 3)]), row("b", [(1, 2)]),
                                 row("c", [(1, 9)], "ours")])
        self.assertEqual([r["best"] for r in rows], [False, True, True])

    def test_table_lines_up_and_stars_the_best(self):
        rows = report.mark_best([row("long_mode", [(2, 6)]),
                                 row("b", [(1, 2)])])
        lines = report.table(rows).split("\n")
        self.assertEqual(len(lines), 3)
        self.assertEqual(lines[0].index("ratio"), lines[1].index("3.00"))
        self.assertIn("2.00*", lines[2])
        self.assertNotIn("*", lines[1])

    def test_json_is_a_list_of_rows(self):
        rows = report.mark_best([row("a", [(1, 3)])])
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "peers.json")
            report.write_json(rows, path)
            with open(path, encoding="utf-8") as file:
                self.assertEqual(json.load(file), rows)


class PlanTest(unittest.TestCase):

    def test_all_works_by_default_each_with_its_threads(self):
        self.assertEqual(plan.chosen([], 0), list(plan.COMPARISONS))

    def test_chosen_works_on_the_threads_asked_for(self):
        picked = plan.chosen(["supernet_weight_step"], 1)
        self.assertEqual([(c.other, c.threads) for c in picked],
                         [("supernet_sampled_alone", 1)])

    def test_an_unknown_work_is_refused(self):
        with self.assertRaises(KeyError):
            plan.chosen(["nothing"], 0)

    def test_optimizer_and_batch_come_from_the_name(self):
        for comparison in plan.COMPARISONS:
            if comparison.kind == "int8":
                self.assertTrue(comparison.work.endswith(
                    "_%d" % comparison.batch))
            elif comparison.kind:
                self.assertIn(comparison.optimizer, ("sgd", "adamw"))


class ServersTest(unittest.TestCase):

    def answering(self, line):
        script = "while read -r _; do echo '%s'; done" % line
        return servers.LineServer(["/bin/sh", "-c", script])

    def test_a_line_is_answered_by_a_line(self):
        with self.answering("work 1.5") as server:
            self.assertEqual(server.ask("run work 3"), "work 1.5")
            self.assertEqual(server.ask("run work 3"), "work 1.5")

    def test_an_error_line_is_raised_with_its_message(self):
        with self.answering("error no such work") as server:
            with self.assertRaisesRegex(servers.WorkFailed, "no such work"):
                server.ask("run x 1")

    def test_a_process_that_ended_is_an_error(self):
        with servers.LineServer(["/bin/sh", "-c", "exit 3"]) as server:
            with self.assertRaisesRegex(servers.WorkFailed, "code 3"):
                server.ask("run x 1")


class EnvironmentTest(unittest.TestCase):

    def test_each_list_of_versions_has_a_folder_of_its_own(self):
        with tempfile.TemporaryDirectory() as folder:
            paths = []
            for text in ("torch==1\n", "torch==2\n"):
                path = os.path.join(folder, "requirements.txt")
                with open(path, "w", encoding="utf-8") as file:
                    file.write(text)
                paths.append(environment.folder_of(path))
            self.assertNotEqual(*paths)


class CommandLineTest(unittest.TestCase):

    def peers(self, *flags):
        return subprocess.run([os.path.join(_BENCH, "peers")] + list(flags),
                              capture_output=True, text=True, check=False)

    def test_help_lists_the_works(self):
        done = self.peers("--help")
        self.assertEqual(done.returncode, 0)
        for work in plan.works():
            self.assertIn(work, done.stdout)

    def test_wrong_flags_end_it_before_anything_is_built(self):
        for flags in (["--only", "nothing"], ["--repeats", "0"]):
            done = self.peers(*flags)
            self.assertEqual(done.returncode, 2, flags)
            self.assertIn(flags[0], done.stderr)


if __name__ == "__main__":
    unittest.main()
