"""The peers' Python environment, made on first use and kept in the cache."""

import hashlib
import os
import shutil
import subprocess
import sys

_DEBIAN_PYTHON = "/usr/bin/python3"


class SetupError(Exception):
    """Says what the user can do."""


def cache_folder():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(
        os.path.expanduser("~"), ".cache")
    return os.path.join(base, "frostnas", "peers")


def folder_of(requirements):
    """Another for each list of versions and each Python."""
    with open(requirements, "rb") as file:
        key = file.read() + sys.version.encode()
    return os.path.join(cache_folder(),
                        hashlib.sha256(key).hexdigest()[:12])


def python_of(requirements, log):
    """A Python that has the packages of `requirements`."""
    folder = folder_of(requirements)
    python = os.path.join(folder, "bin", "python")
    done = os.path.join(folder, "complete")
    if os.path.exists(done):
        return python
    log("setting up %s (torch comes with its GPU libraries: some 6 GB)" %
        folder)
    shutil.rmtree(folder, ignore_errors=True)
    _check([sys.executable, "-m", "venv", folder],
           "cannot make a virtual environment; on Debian: apt-get install "
           "python3-venv")
    _check([python, "-m", "pip", "install", "--quiet", "--no-cache-dir",
            "--disable-pip-version-check", "-r", requirements],
           "pip could not install %s; it needs a package index and 6 GB" %
           requirements)
    with open(done, "w", encoding="utf-8") as file:
        file.write("made by tests/bench/peers\n")
    return python


def debian_python():
    """Debian's Python, when its torch is installed."""
    found = subprocess.run([_DEBIAN_PYTHON, "-c", "import torch"],
                           capture_output=True, check=False)
    if found.returncode != 0:
        raise SetupError("--with_debian_torch: Debian's PyTorch is not "
                         "installed: apt-get install python3-torch")
    return _DEBIAN_PYTHON


def _check(command, hint):
    if subprocess.run(command, check=False).returncode != 0:
        raise SetupError("%s failed: %s" % (" ".join(command[:4]), hint))
