"""What this machine can do at best: compiles and runs cpp/probe.cc."""

import json
import os
import pathlib
import subprocess
import tempfile
from typing import Any

SOURCE = pathlib.Path(__file__).resolve().parent / "cpp/probe.cc"


class Probe:
    """Each call measures again and keeps the best, because neighbours only ever make a machine look slower."""

    def __init__(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.program = os.path.join(self.folder.name, "probe")
        compiler = os.environ.get("CXX", "c++")
        subprocess.run([compiler, "-O3", "-std=c++20", "-pthread", SOURCE, "-o", self.program], check=True)
        self.best: dict[str, Any] = {}

    def measure(self) -> dict[str, Any]:
        figures = json.loads(subprocess.run([self.program], capture_output=True, text=True, check=True).stdout)
        for key, value in figures.items():
            self.best[key] = value if isinstance(value, str) else max(value, self.best.get(key, 0))
        return self.best


if __name__ == "__main__":
    print(json.dumps(Probe().measure(), indent=1))
