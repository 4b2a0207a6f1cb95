#!/usr/bin/env python3
"""Tests of check_layers on small trees."""

import os
import subprocess
import tempfile
import unittest

_TOOL = os.path.join(os.path.dirname(os.path.realpath(__file__)),
                     "check_layers")


class CheckLayersTest(unittest.TestCase):

    def run_on(self, files):
        with tempfile.TemporaryDirectory() as root:
            for path, text in files.items():
                path = os.path.join(root, path)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "w", encoding="utf-8") as out:
                    out.write(text)
            done = subprocess.run([_TOOL, root], capture_output=True,
                                  text=True, check=False)
            return done.returncode, done.stdout

    def test_arrows_down_pass(self):
        self.assertEqual(
            self.run_on({
                "nn/a.cc": '#include "nn/a.h"\n#include "arch/b.h"\n',
                "search/c.cc": '#include <vector>\n#include "db/store.h"\n',
                "search/main/m.cc": '#include "workers/worker.h"\n',
                "db/sqlite/d.cc": "#include <sqlite3.h>\n",
            }), (0, ""))

    def test_arrows_up_and_sideways_are_named(self):
        code, out = self.run_on({
            "arch/a.h": '\n#include "nn/b.h"\n',
            "search/s.cc": '#include "workers/worker.h"\n',
            "workers/w.cc": '#include "db/store.h"\n',
        })
        self.assertEqual(code, 1)
        self.assertIn("arch/a.h:2: includes nn/b.h: arch may include only "
                      "base, proto", out)
        self.assertIn("search/s.cc:1", out)
        self.assertIn("workers/w.cc:1", out)

    def test_libraries_stay_in_their_folders(self):
        code, out = self.run_on({"search/s.cc": "#include <sqlite3.h>\n"})
        self.assertEqual(code, 1)
        self.assertIn("only db/sqlite and tests may include it", out)


if __name__ == "__main__":
    unittest.main()
