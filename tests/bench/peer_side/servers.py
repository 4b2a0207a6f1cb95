"""Processes that time works: ours (work_server) and the peers'.

Both stay alive and wait for a line while the other runs, so they never compute
at the same time.
"""

import json
import os
import subprocess
import time

from peer_side import environment

# For OpenMP threads of the side that ran last to fall asleep. The peers keep
# their own setting of how long those spin: ours (base/program.h) makes torch's
# training steps a tenth slower.
SETTLE_SECONDS = 0.1


class WorkFailed(Exception):
    """A server's "error" line."""


class LineServer:
    """A process that answers each line with one."""

    def __init__(self, command, folder=None, variables=None):
        self._command = command
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            cwd=folder, env=dict(os.environ, **(variables or {})),
            text=True, stderr=subprocess.DEVNULL)

    def ask(self, line):
        try:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass
        answer = self._process.stdout.readline().strip()
        if not answer:
            raise WorkFailed("%s ended (code %s)" % (
                " ".join(self._command), self._process.wait()))
        if answer.startswith("error "):
            raise WorkFailed(answer[len("error "):])
        return answer

    def close(self):
        try:
            self._process.stdin.close()
        except BrokenPipeError:
            pass
        self._process.stdout.close()
        self._process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class OurServer(LineServer):
    def __init__(self, binary, threads):
        super().__init__([binary, "--threads=%d" % threads])

    def time_ms(self, work, runs):
        time.sleep(SETTLE_SECONDS)
        return float(self.ask("run %s %d" % (work, runs)).split()[1])

    def export(self, work, path):
        self.ask("export %s %s" % (work, path))


class PeerServer(LineServer):
    """`peer` is torch or onnxruntime, of the given Python."""

    def __init__(self, python, peer, threads, bench_folder):
        self.peer = peer
        command = [python, "-m", "peer_side.server", "--threads=%d" % threads]
        cache = os.path.join(environment.cache_folder(), "compiled")
        super().__init__(
            command + (["--torch"] if peer == "torch" else []),
            folder=bench_folder,
            variables={"TORCHINDUCTOR_CACHE_DIR": cache})
        self.version = self.ask("version " + peer)

    def modes(self, kind):
        return self.ask("modes " + kind).split()

    def time_ms(self, request):
        time.sleep(SETTLE_SECONDS)
        return float(self.ask("run " + json.dumps(request)))
