"""The stubs are what the schema makes today."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent


def test_the_stubs_are_those_of_the_schema(tmp_path: Path) -> None:
    subprocess.run([sys.executable, HERE / "tools" / "generate_stubs.py", tmp_path], check=True)
    stubs = HERE / "src" / "lstm_sweep" / "_generated"
    made = {path.name: path.read_text() for path in tmp_path.iterdir()}
    committed = {path.name: path.read_text() for path in stubs.glob("*_pb2*.py*")}
    assert made == committed, "run tools/generate_stubs.py"
