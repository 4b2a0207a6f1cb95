"""Compiler options that only some folders use."""

# Goes with deps = ["//third_party:openmp"].
OPENMP_COPTS = ["-fopenmp"]
