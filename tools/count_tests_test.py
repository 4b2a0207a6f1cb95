#!/usr/bin/env python3
"""Tests of count_tests on written event files."""

import json
import os
import subprocess
import tempfile
import unittest

_TOOL = os.path.join(os.path.dirname(os.path.realpath(__file__)),
                     "count_tests")

_CASES = """<testsuites><testsuite>
<testcase name="Works" classname="A" status="run" result="completed"/>
<testcase name="Off" classname="A" status="notrun" result="suppressed"/>
<testcase name="Skips" classname="A" status="run" result="skipped"/>
%s</testsuite></testsuites>"""
_BROKEN = '<testcase name="B" classname="A"><failure message="x"/></testcase>'


class CountTestsTest(unittest.TestCase):

    def setUp(self):
        self.dir = tempfile.TemporaryDirectory()
        self.addCleanup(self.dir.cleanup)

    def path(self, name):
        return os.path.join(self.dir.name, name)

    def result(self, label, status, xml):
        with open(self.path(label), "w", encoding="utf-8") as out:
            out.write(xml)
        return {
            "id": {"testResult": {"label": label}},
            "testResult": {
                "status": status,
                "testActionOutput": [
                    {"name": "test.xml", "uri": "file://" + self.path(label)},
                ],
            },
        }

    def count(self, events, exit_code=0):
        with open(self.path("events"), "w", encoding="utf-8") as out:
            for event in events:
                out.write(json.dumps(event) + "\n")
            out.write('{"id": {"cut')
        done = subprocess.run(
            [_TOOL, "--exit_code=%d" % exit_code, self.path("events")],
            capture_output=True, text=True, check=True)
        return done.stdout.splitlines()

    def test_cases_are_counted_and_skipped_ones_are_not(self):
        events = [self.result("a", "PASSED", _CASES % ""),
                  self.result("b", "FAILED", _CASES % _BROKEN)]
        self.assertEqual(self.count(events, 3), ["2 1", "b A.B"])

    def test_a_target_that_breaks_outside_its_cases_fails(self):
        events = [self.result("a", "TIMEOUT", "")]
        self.assertEqual(self.count(events, 3), ["0 1", "a timeout"])

    def test_a_later_attempt_replaces_an_earlier_one(self):
        events = [self.result("a", "FAILED", _CASES % ""),
                  self.result("a", "PASSED", _CASES % "")]
        self.assertEqual(self.count(events), ["1 0"])

    def test_a_target_that_does_not_build_fails(self):
        events = [{"id": {"targetCompleted": {"label": "//a"}}},
                  {"id": {"targetCompleted": {"label": "//b"}},
                   "completed": {"success": True}}]
        self.assertEqual(self.count(events, 1),
                         ["0 1", "//a could not be built"])

    def test_a_failure_without_a_place_is_counted(self):
        self.assertEqual(self.count([], 2),
                         ["0 1", "bazel ended with exit code 2"])

    def test_a_run_out_of_time_is_no_failure(self):
        events = [{"id": {"targetCompleted": {"label": "//a"}}}]
        self.assertEqual(self.count(events, 124), ["0 0"])


if __name__ == "__main__":
    unittest.main()
