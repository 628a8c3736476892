"""Writes the stubs in src/lstm_sweep/_generated from the .proto files of the project.

    python tools/generate_stubs.py [FOLDER]      # another folder, to compare

It needs grpcio-tools in the version that requirements-test.txt pins: another one writes other stubs.
"""

import re
import sys
import tempfile
from pathlib import Path

from grpc_tools import protoc

HERE = Path(__file__).resolve().parent.parent
SCHEMA = HERE.parent / "schema"
TARGET = HERE / "src" / "lstm_sweep" / "_generated"

#: What the client speaks; workers and administrators have programs of their own.
FILES = ("sweep/v1/types.proto", "sweep/v1/sweep.proto")

#: The stubs call their package `sweep.v1`; here they lie inside of ours.
OWN_IMPORT = re.compile(r"^from sweep\.v1 import", re.MULTILINE)


def generate(target: Path) -> list[Path]:
    """Write all stubs into the folder, and return their paths."""
    with tempfile.TemporaryDirectory() as scratch:
        outputs = [f"--{kind}_out={scratch}" for kind in ("python", "pyi", "grpc_python")]
        status = protoc.main(["protoc", f"--proto_path={SCHEMA}", *outputs, *FILES])
        if status != 0:
            raise SystemExit(f"protoc failed with status {status} on {SCHEMA}")
        made = sorted(Path(scratch).rglob("*_pb2*.py*"))
        # The messages that both services share have no service.
        return [_moved(one, target) for one in made if one.name != "types_pb2_grpc.py"]


def _moved(stub: Path, target: Path) -> Path:
    text = OWN_IMPORT.sub("from lstm_sweep._generated import", stub.read_text(encoding="utf-8"))
    path = target / stub.name
    path.write_text(text, encoding="utf-8")
    return path


if __name__ == "__main__":
    for written in generate(Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET):
        print(written)
