"""Launching, watching, steering and reading sweeps of a real coordinator."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from lstm_sweep import AddressError, Client, NotFoundError, StateError, Sweep, SweepFileError, UnavailableError


def test_a_sweep_is_watched_to_its_end(client: Client, folder: Path) -> None:
    sweep = client.launch((folder / "tiny.toml").read_text().replace("tiny.csv", str(folder / "tiny.csv")), reuse=False)
    seen = list(sweep.watch(timeout=90))
    assert seen[-1].state == "finished"
    assert seen[-1].ledger.planned == seen[-1].ledger.completed == 4
    assert all(before.epochs_done <= after.epochs_done for before, after in pairwise(seen))


def test_the_report_becomes_data_frames(finished: Sweep, tmp_path: Path) -> None:
    report = finished.report(tmp_path / "report")
    trials, epochs = report.trials(), report.epochs()
    assert len(trials) == 4
    assert sorted(trials["units"].unique()) == [4, 8]
    assert trials["validation_loss"].notna().all()
    assert len(epochs) == 8
    for frame in (trials, epochs):
        energy = frame["energy_joules"]
        assert str(energy.dtype) == "Float64"
        assert energy.isna().all(), "processors do not tell it"
    assert report.answer()["label"]
    assert {path.name for path in (tmp_path / "report").iterdir()} == set(report)


def test_a_report_is_in_a_language(finished: Sweep) -> None:
    english, korean = finished.report(), finished.report(language="ko")
    assert "## 결론" in korean["report.md"].decode()
    assert english["report.json"] == korean["report.json"]
    with pytest.raises(ValueError, match="한국어"):
        finished.report(language="xx")


def test_sweeps_are_listed_and_found(client: Client, finished: Sweep) -> None:
    assert finished.id in [sweep.id for sweep in client.sweeps()]
    assert client.sweep(finished.id).name == "tiny"
    with pytest.raises(NotFoundError):
        client.sweep("nowhere")


def test_an_ended_sweep_cannot_be_paused(finished: Sweep) -> None:
    with pytest.raises(StateError):
        finished.pause()


def test_a_wrong_file_is_answered_with_its_problems(client: Client) -> None:
    with pytest.raises(SweepFileError, match="unit"):
        client.launch('name = "wrong"\n[data]\ndataset = "snippets"\n[grid]\nunit = [4]\n')


def test_nobody_there_is_said() -> None:
    with pytest.raises(UnavailableError, match="sweep serve"):
        Client("http://127.0.0.1:9")


def test_plain_text_stays_on_this_machine() -> None:
    with pytest.raises(AddressError, match="https://"):
        Client("http://example.com:7077")
