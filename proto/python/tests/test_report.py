"""Which reports are read and which are refused."""

from __future__ import annotations

import json

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
