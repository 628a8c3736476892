"""A real coordinator with a worker, and a tiny dataset, for all tests."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lstm_sweep import Client, Sweep, UnavailableError

#: How long a coordinator may take to answer, generous because machines are shared.
START_TIMEOUT_SECONDS = 60.0

#: How long the tiny sweep may take.
SWEEP_TIMEOUT_SECONDS = 90.0

SWEEP_FILE = """
name = "tiny"
[data]
path = "tiny.csv"
text = "review"
label = "sentiment"
max_length = 8
[grid]
units = [4, 8]
[train]
batch_size = 16
epochs = 2
replicates = 2
"""


def program(variable: str, name: str) -> Path:
    """Find a program by its variable, or fail with what to do."""
    path = Path(os.environ.get(variable, ""))
    if not path.is_file():
        pytest.fail(f"{variable} names no file; run `cargo build --release`, then set it to target/release/{name}")
    return path.resolve()


def free_address() -> str:
    """Return an address on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return f"127.0.0.1:{free.getsockname()[1]}"


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run every test in a folder of its own: programs keep a data folder where they run."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the sweep file, its data and the logs lie."""
    folder = tmp_path_factory.mktemp("sweeps")
    rows = [f"a {'good' if row % 2 else 'bad'} film number{row},{'positive' if row % 2 else 'negative'}" for row in range(160)]
    (folder / "tiny.csv").write_text("\n".join(["review,sentiment", *rows]) + "\n", encoding="utf-8")
    (folder / "tiny.toml").write_text(SWEEP_FILE, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def server(folder: Path) -> Iterator[str]:
    """Return the address of a coordinator that has a worker."""
    sweep, worker = program("SWEEP_BIN", "sweep"), program("SWEEP_WORKER_BIN", "sweep-worker")
    address = free_address()
    url = f"http://{address}"
    serve: list[str | Path] = [sweep, "serve", "--listen", address, "--data-dir", folder / ".sweep"]
    join: list[str | Path] = [worker, "join", url, "--slots", "1", "--device", "cpu", "--state-dir", folder / "worker"]
    with (folder / "log.txt").open("wb") as log, subprocess.Popen(serve, stdout=log, stderr=log) as coordinator:
        try:
            _wait_until_it_answers(url, folder / "log.txt")
            with subprocess.Popen(join, stdout=log, stderr=log) as joined:
                try:
                    yield url
                finally:
                    joined.terminate()
        finally:
            coordinator.terminate()


@pytest.fixture(scope="session")
def client(server: str) -> Iterator[Client]:
    """Return a client of the coordinator."""
    with Client(server) as client:
        yield client


@pytest.fixture(scope="session")
def finished(client: Client, folder: Path) -> Sweep:
    """Return the tiny sweep after its end."""
    sweep = client.launch(folder / "tiny.toml")
    sweep.wait(timeout=SWEEP_TIMEOUT_SECONDS)
    return sweep


def _wait_until_it_answers(url: str, log: Path) -> None:
    wait_until(lambda: Client(url).close(), UnavailableError, log)


def wait_until(attempt: Callable[[], object], failure: type[Exception], log: Path) -> None:
    """Try until it does not fail, and show the log where that takes too long."""
    end = time.monotonic() + START_TIMEOUT_SECONDS
    while True:
        try:
            attempt()
        except failure as error:
            if time.monotonic() > end:
                pytest.fail(f"the coordinator does not answer: {error}\n{log.read_text(encoding='utf-8')}")
            time.sleep(0.1)
        else:
            return
