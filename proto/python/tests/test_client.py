"""Launching, watching, steering and reading sweeps of a real coordinator."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest
from conftest import program

from lstm_sweep import (
    AddressError,
    Client,
    NotFoundError,
    StateError,
    Sweep,
    SweepError,
    SweepFileError,
    UnavailableError,
    VerificationError,
    WrongCoordinatorError,
)


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


def test_where_nothing_failed_nothing_is_tried_again(finished: Sweep) -> None:
    with pytest.raises(StateError, match="no trial"):
        finished.retry()
    status = finished.status()
    assert status.held is None
    assert (status.handed_back, status.earlier_choices) == ((), ())


def test_a_wrong_file_is_answered_with_its_problems(client: Client) -> None:
    with pytest.raises(SweepFileError, match="unit"):
        client.launch('name = "wrong"\n[data]\ndataset = "snippets"\n[grid]\nunit = [4]\n')


def _content(folder: Path, **train: object) -> dict[str, object]:
    """Return the tiny sweep as a dictionary."""
    data = {"path": folder / "tiny.csv", "text": "review", "label": "sentiment", "max_length": 8}
    return {"name": "by hand", "data": data, "grid": {"units": (4,)}, "train": {"batch_size": 16, "epochs": 1, **train}}


def test_a_dictionary_is_a_sweep_file_that_can_be_extended(client: Client, folder: Path) -> None:
    sweep = client.launch(_content(folder), reuse=False)
    assert sweep.name == "by hand"
    assert sweep.extend({"units": [8]}).ledger.planned == 2
    assert sweep.extend(replicates=2).ledger.planned == 4
    assert sweep.wait(timeout=90).ledger.completed == 4
    with pytest.raises(SweepFileError, match="nothing to add"):
        sweep.extend()


def test_the_budget_of_a_search_is_raised(client: Client, folder: Path) -> None:
    content = {**_content(folder), "name": "searched", "grid": {"units": {"min": 2, "max": 64}}, "search": {"trials": 1}}
    sweep = client.launch(content, reuse=False)
    assert sweep.wait(timeout=90).ledger.completed == 1
    assert sweep.extend(trials=3).ledger.planned == 3
    assert sweep.wait(timeout=90).ledger.completed == 3
    with pytest.raises(SweepFileError, match="cannot lower"):
        sweep.extend(trials=2)
    with pytest.raises(SweepFileError, match="no budget of epochs"):
        sweep.extend(epochs=9)
    for number in (0, -1):
        with pytest.raises(ValueError, match="trials must be above 0"):
            sweep.extend(trials=number)
    with pytest.raises(ValueError, match="hours must be above 0"):
        sweep.extend(hours=float("nan"))


def test_the_hours_of_a_search_are_told_and_changed(client: Client, folder: Path) -> None:
    search = {"trials": 1, "hours": 2, "money": 6.0, "price_per_hour": 2.5}
    content = {**_content(folder), "name": "priced", "grid": {"units": {"min": 2, "max": 64}}, "search": search}
    sweep = client.launch(content, reuse=False)
    told = sweep.wait(timeout=90).search
    assert told is not None
    assert (told.hours_max, told.money_max, told.spent) == (2.0, 6.0, None)
    assert told.hours_spent is not None
    assert told.money_spent == pytest.approx(2.5 * told.hours_spent)
    changed = sweep.extend(trials=2, hours=3.5, money=7.0).search
    assert changed is not None
    assert (changed.hours_max, changed.money_max) == (3.5, 7.0)
    assert sweep.wait(timeout=90).ledger.completed == 2


@pytest.mark.parametrize("wrong", [None, object(), {"deep": None}])
def test_what_is_no_sweep_file_is_refused_by_name(client: Client, folder: Path, wrong: object) -> None:
    with pytest.raises(SweepFileError, match="dictionary"):
        client.launch(_content(folder, epochs=wrong))
    with pytest.raises(SweepFileError, match="epochs"):
        client.launch(_content(folder, epochs="many"))


def test_models_and_exports_are_written_whole(finished: Sweep, tmp_path: Path) -> None:
    model = finished.best_model(tmp_path / "model")
    assert "model.safetensors" in {path.name for path in model}
    for tool in ("tensorboard", "mlflow"):
        written = finished.export(tool, tmp_path / tool)
        assert written
        assert all(path.is_file() and path.is_relative_to(tmp_path / tool) for path in written)
    assert not list(tmp_path.rglob("*.part"))
    with pytest.raises(ValueError, match="tensorboard and mlflow"):
        finished.export("excel", tmp_path)  # type: ignore[arg-type]


def test_two_sweeps_are_compared(client: Client, finished: Sweep, folder: Path, tmp_path: Path) -> None:
    other = client.launch(folder / "tiny.toml")
    other.wait(timeout=90)
    written = {path.name: path for path in finished.compare(other, tmp_path)}
    assert {"comparison.json", "comparison.html"} <= set(written)
    assert json.loads(written["comparison.json"].read_text())
    assert [path.name for path in finished.compare(other.id, tmp_path / "again")] == list(written)
    with pytest.raises(SweepError, match="not with itself"):
        finished.compare(finished, tmp_path)


def test_a_report_is_verified_and_a_changed_one_is_named(client: Client, finished: Sweep, tmp_path: Path) -> None:
    finished.report(tmp_path)
    verified = client.verify(tmp_path)
    assert (verified.sweep, verified.state) == (finished.id, "finished")
    assert "report.json" in verified.files
    with (tmp_path / "report.json").open("a") as file:
        file.write(" ")
    with pytest.raises(VerificationError, match=r"report\.json was changed"):
        client.verify(tmp_path)
    signature = tmp_path / "report.sig"
    signature.write_text(signature.read_text().replace("finished", "cancelled"))
    with pytest.raises(VerificationError, match="after it was signed"):
        client.verify(tmp_path)
    for content in ("{}", "not JSON", '{"statement": {}, "signature": ""}'):
        signature.write_text(content)
        with pytest.raises(VerificationError, match=r"report\.sig"):
            client.verify(tmp_path)
    with pytest.raises(VerificationError, match="cannot be read"):
        client.verify(tmp_path / "nowhere")


def test_trials_of_a_report_are_trained_again(server: str, finished: Sweep, tmp_path: Path) -> None:
    finished.report(tmp_path)
    with Client(server, sweep_binary=program("SWEEP_BIN", "sweep")) as client:
        verified = client.verify(tmp_path, rerun=1, seed=7)
        assert verified.rerun is not None
        assert (verified.rerun["asked"], verified.rerun["seed"], verified.rerun["holds"]) == (1, 7, True)
        assert [trial["verdict"] for trial in verified.rerun["trials"] if trial["drawn"]] == ["same"]
        with pytest.raises(SweepFileError, match="--rerun"):
            client.verify(tmp_path, rerun=0)


def test_workers_are_listed_and_unknown_ones_not_drained(client: Client) -> None:
    (worker,) = [worker for worker in client.workers() if worker.state == "ready"]
    assert worker.name
    assert worker.last_seen_seconds >= 0
    with pytest.raises(NotFoundError):
        client.drain("nobody")


def test_a_coordinator_is_found_by_its_data_folder_and_no_other_is_taken_for_it(
    server: str, finished: Sweep, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SWEEP_SERVER", raising=False)
    # A variable that was left over from another coordinator is of no use here.
    monkeypatch.setenv("SWEEP_TOKEN", "sw1.cut")
    monkeypatch.chdir(folder)
    with Client() as client:
        assert finished.id in [sweep.id for sweep in client.sweeps()]

    monkeypatch.chdir(tmp_path)
    with pytest.raises(UnavailableError, match=r"data folder \.sweep here"):
        Client()
    (tmp_path / ".sweep").mkdir(mode=0o700)
    known = {"address": server, "identity": "of another data folder", "is_whole": True}
    (tmp_path / ".sweep" / "coordinator.json").write_text(json.dumps(known), encoding="utf-8")
    with pytest.raises(WrongCoordinatorError, match="Nothing was sent"):
        Client()


def test_nobody_there_is_said() -> None:
    with pytest.raises(UnavailableError, match="sweep serve"):
        Client("http://127.0.0.1:9")


def test_plain_text_stays_on_this_machine() -> None:
    with pytest.raises(AddressError, match="https://"):
        Client("http://example.com:7077")
