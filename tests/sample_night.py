"""The main job on the shipped sample, run once for all tests that look at its database."""

import subprocess
import sys
from pathlib import Path


def in_its_own_process(path: Path) -> str:
    """Run the night as a timer does: in this process a model may be loaded already, or not."""
    command = [sys.executable, "-m", "api", "nightly", str(path), "--sample"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout
