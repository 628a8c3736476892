"""Which reports are read and which are refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lstm_sweep import Report, SweepError


def _report(**content: object) -> Report:
    return Report({"report.json": json.dumps(content).encode()})


@pytest.mark.parametrize("version", [2, 3])
def test_unknown_fields_are_kept(version: int) -> None:
    assert _report(schema_version=version, answer={"label": "a"}, new=1).answer() == {"label": "a"}


@pytest.mark.parametrize("content", [{"schema_version": 1, "answer": {}}, {"answer": {}}, {"schema_version": 3}])
def test_what_cannot_be_read_is_refused(content: dict[str, object]) -> None:
    with pytest.raises(SweepError, match=r"report\.json"):
        _report(**content).answer()


@pytest.mark.parametrize("content", [b"\xff", b"{", b"[" * 100_000, b"", b"nul"])
def test_bytes_that_are_no_json_are_refused(content: bytes) -> None:
    with pytest.raises(SweepError, match=r"report\.json"):
        Report({"report.json": content}).answer()


def test_a_missing_or_broken_table_is_refused() -> None:
    with pytest.raises(SweepError, match=r"no file trials\.csv, but report\.md"):
        Report({"report.md": b""}).trials()
    for content in (b"", b'a,b\n"', b"state,units\n\xff,1\n", b"state,best_epoch\ncompleted,x\n"):
        with pytest.raises(SweepError, match=r"trials\.csv"):
            Report({"trials.csv": content}).trials()


@pytest.mark.parametrize("name", ["../evil", "a/b", "", ".hidden", "nul\0", "..", "a" * 200])
def test_no_file_leaves_its_folder(name: str, tmp_path: Path) -> None:
    with pytest.raises(SweepError, match="refused"):
        Report({"report.md": b"", name: b"evil"}).write(tmp_path / "report")
    assert list(tmp_path.rglob("*")) == []
