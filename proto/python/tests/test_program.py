"""What the client has the `sweep` program do: looks at data, plans and predictions, with a coordinator and without."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from conftest import program

from lstm_sweep import Client, Program, ProgramError, Sweep, SweepError, SweepFileError, UnavailableError
from lstm_sweep.program import answer


@pytest.fixture(scope="module")
def sweep_program() -> Program:
    """Return the program of this build."""
    return Program(program("SWEEP_BIN", "sweep"))


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder that knows no coordinator."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SWEEP_SERVER", raising=False)
    monkeypatch.delenv("SWEEP_TOKEN", raising=False)
    return tmp_path


def test_data_is_looked_at_as_a_sweep_reads_it(sweep_program: Program, folder: Path, elsewhere: Path) -> None:
    found = sweep_program.inspect(folder / "tiny.csv")
    assert (found["rows"], found["text_column"], found["refused"]) == (160, "review", None)
    assert {one["class"]: one["rows"] for one in found["classes"]} == {"negative": 80, "positive": 80}
    (elsewhere / "rows.tsv").write_text("".join(f"{row % 3}\tfilm {row}\n" for row in range(60)), encoding="utf-8")
    named = sweep_program.inspect(
        "rows.tsv", header=False, label=1, text=[2], labels={"0": "bad", "1": "good"}, labels_dropped=["2"], delimiter="tab"
    )
    assert [one["class"] for one in named["classes"]] == ["bad", "good"]
    assert list(named["left_out"].values()) == [20]
    (elsewhere / "one.csv").write_text("text,label\n" + "a film,good\n" * 40, encoding="utf-8")
    assert "class" in sweep_program.inspect("one.csv")["refused"]
    with pytest.raises(SweepFileError, match=r"absent\.csv"):
        sweep_program.inspect("absent.csv")


def test_a_sweep_is_planned_from_a_file_a_text_and_a_dictionary(sweep_program: Program, folder: Path, elsewhere: Path) -> None:
    (elsewhere / "tiny.csv").write_bytes((folder / "tiny.csv").read_bytes())
    text = (folder / "tiny.toml").read_text(encoding="utf-8")
    (elsewhere / "tiny.toml").write_text(text, encoding="utf-8")
    content = {
        "name": "tiny",
        "data": {"path": "tiny.csv", "text": "review", "label": "sentiment", "max_length": 8},
        "grid": {"units": [4, 8]},
        "train": {"batch_size": 16, "epochs": 2, "replicates": 2},
    }
    plans = [sweep_program.plan(one, measure=False) for one in ("tiny.toml", Path("tiny.toml"), text, content)]
    assert all(plan == plans[0] for plan in plans)
    assert (plans[0]["trials"], plans[0]["epochs"], plans[0]["time"]) == (4, 8, None)
    assert plans[0]["data"]["classes"] == ["negative", "positive"]
    assert sweep_program.plan(content, data=False, measure=False)["data"] is None
    with pytest.raises(SweepFileError, match=r"unit(?s:.*)did you mean"):
        sweep_program.plan({**content, "grid": {"unit": [4]}})
    with pytest.raises(SweepFileError, match=r"no file absent\.toml"):
        sweep_program.plan("absent.toml")


def test_a_plan_of_a_coordinator_goes_by_its_workers(server: str, finished: Sweep, folder: Path) -> None:
    assert finished.id
    with Client(server, sweep_binary=program("SWEEP_BIN", "sweep")) as client:
        plan = client.plan(folder / "tiny.toml", prices=0.5)
        assert client.inspect(folder / "tiny.csv")["rows"] == 160
    assert plan["time"]["seconds"] > 0, plan
    assert plan["time"]["money"] is not None, plan


def test_texts_are_classified_in_their_order(client: Client, finished: Sweep, tmp_path: Path) -> None:
    finished.best_model(tmp_path / "model")
    with Client(str(client)[len("Client(") : -1], sweep_binary=program("SWEEP_BIN", "sweep")) as other:
        texts = ["a good film", "a bad\nfilm\n", "-", "--help", "", "a good\r\nfilm", "a bad film"]
        predictions = other.predict(tmp_path / "model", texts)
        assert other.predict(tmp_path / "model", []) == []
        with pytest.raises(SweepFileError, match="no model folder"):
            other.predict(tmp_path / "nowhere", texts)
        with pytest.raises(SweepError, match="model"):
            other.predict(tmp_path, texts)
    assert [one.text for one in predictions] == texts
    for one in predictions:
        assert set(one.probabilities) == {"negative", "positive"}
        assert one.probability == max(one.probabilities.values()) == one.probabilities[one.label]
        assert sum(one.probabilities.values()) == pytest.approx(1)


def test_a_missing_program_is_said(server: str, elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(elsewhere))
    with pytest.raises(ProgramError, match=r"sweep is not on PATH; .*sweep_binary="):
        Program()
    with Client(server) as client, pytest.raises(ProgramError, match="not on PATH"):
        client.plan("tiny.toml")
    with pytest.raises(ProgramError, match="is not a program"):
        Program(elsewhere)
    other = elsewhere / "sweep"
    other.write_text("#!/bin/sh\necho hello\n", encoding="utf-8")
    other.chmod(0o755)
    assert Program().path == os.path.realpath(other)
    with pytest.raises(ProgramError, match="another version"):
        Program().plan("tiny.toml")


def test_the_token_goes_by_the_environment_alone(elsewhere: Path) -> None:
    spy = elsewhere / "spy"
    spy.write_text(
        '#!/bin/sh\nprintf \'{"server": "%s", "token": "%s", "arguments": "%s"}\' "$SWEEP_SERVER" "$SWEEP_TOKEN" "$*"\n'
    )
    spy.chmod(0o755)
    seen = Program(spy).of("https://far:7077", "sw1.secret").plan("x.toml")
    assert seen == {"server": "https://far:7077", "token": "sw1.secret", "arguments": "--json plan -- x.toml"}


def test_what_is_none_is_not_given(elsewhere: Path) -> None:
    spy = elsewhere / "spy"
    spy.write_text('#!/bin/sh\nprintf \'{"arguments": "%s"}\' "$*"\n')
    spy.chmod(0o755)
    seen = Program(spy).inspect("x.csv", text=None, label="stars")
    assert seen == {"arguments": "--json data inspect --label stars -- x.csv"}


def test_a_coordinator_that_is_gone_is_said(sweep_program: Program, elsewhere: Path) -> None:
    assert elsewhere.is_dir()
    gone = sweep_program.of("http://127.0.0.1:9", None)
    with pytest.raises(UnavailableError):
        answer(gone.run(["status", "1"]))
