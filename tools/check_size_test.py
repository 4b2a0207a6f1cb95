#!/usr/bin/env python3
"""Tests of check_size on small trees."""

import os
import subprocess
import tempfile
import unittest

_TOOL = os.path.join(os.path.dirname(os.path.realpath(__file__)),
                     "check_size")


def body(lines):
    return "".join("  Step(%d);\n" % i for i in range(lines))


class CheckSizeTest(unittest.TestCase):

    def faults(self, path, text):
        with tempfile.TemporaryDirectory() as root:
            whole = os.path.join(root, path)
            os.makedirs(os.path.dirname(whole), exist_ok=True)
            with open(whole, "w", encoding="utf-8") as out:
                out.write(text)
            done = subprocess.run([_TOOL, root], capture_output=True,
                                  text=True, check=False)
            self.assertEqual(done.returncode, 1 if done.stdout else 0)
            self.assertEqual(done.stderr, "")
            return done.stdout

    def test_a_function_may_have_sixty_lines(self):
        text = "namespace a {\nvoid F() {\n%s}\n}\n"
        self.assertEqual(self.faults("nn/f.cc", text % body(58)), "")
        self.assertIn("nn/f.cc:2: F has 61 lines",
                      self.faults("nn/f.cc", text % body(59)))

    def test_files_of_others_are_left_alone(self):
        others = "third_party/onnxruntime/onnxruntime_c_api.h"
        self.assertEqual(self.faults(others, "a\n" * 501), "")
        self.assertIn("501 lines", self.faults("nn/a.h", "a\n" * 501))

    def test_methods_constructors_and_tests_count(self):
        heads = [
            "class A {\n  int G() const override {",
            "A::A(int b)\n    : b_{b}, c_(b) {",
            "TEST(ATest, Works) {",
            "template <typename T>\nauto F(T t) -> decltype(t.x()) {",
            "bool operator()(int a) const {",
            "absl::Status S::Do(int n) ABSL_LOCKS_EXCLUDED(m_) {",
        ]
        for head in heads:
            self.assertIn("lines, the limit", self.faults(
                "nn/f.cc", head + "\n" + body(70) + "}\n"), head)

    def test_data_comments_and_literals_do_not_count(self):
        rows = "".join("    {%d, Call(2)},\n" % i for i in range(90))
        self.assertEqual(
            self.faults("nn/f.cc", "const Row kRows[] = {\n%s};\n" % rows), "")
        self.assertEqual(
            self.faults("nn/f.cc",
                        "// void F() {\nconst char* s = \"F() {\";\n" +
                        "int x;\n" * 70), "")

    def test_a_function_takes_five_parameters(self):
        text = "void F(%s) {\n}\n"
        five = "A<b, c> a, int b, D d = {1, 2}, E e, F f"
        self.assertEqual(self.faults("nn/f.cc", text % five), "")
        self.assertIn("F has 6 parameters",
                      self.faults("nn/f.cc", text % (five + ", G g")))

    def test_a_reason_passes_a_limit(self):
        long = "void F() {\n%s}\n" % body(70)
        self.assertEqual(
            self.faults("nn/f.cc", "// size: one unrolled kernel.\n" + long),
            "")
        self.assertNotEqual(self.faults("nn/f.cc", "// size:\n" + long), "")
        self.assertEqual(
            self.faults("nn/f.cc", "// size: file: a table.\n" +
                        "int x;\n" * 501), "")

    def test_files_have_limits_by_kind(self):
        for path, limit in [("nn/f.cc", 500), ("nn/f_test.cc", 700),
                            ("nn/BUILD.bazel", 200)]:
            self.assertEqual(self.faults(path, "x\n" * limit), "")
            self.assertIn("%d lines" % (limit + 1),
                          self.faults(path, "x\n" * (limit + 1)))

    def test_lines_have_eighty_columns(self):
        self.assertEqual(self.faults("nn/f.h", "x" * 80 + "\n"), "")
        self.assertIn("81 columns", self.faults("nn/f.h", "x" * 81 + "\n"))
        self.assertEqual(
            self.faults("nn/f.h", "// https://" + "x" * 81 + "\n"), "")


if __name__ == "__main__":
    unittest.main()
