"""A coordinator that other machines can reach: TLS, tokens, and what each role may do."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import SWEEP_TIMEOUT_SECONDS, free_address, program, wait_until

from lstm_sweep import AccessError, AddressError, Client, SweepFileError, TokenError, WrongCoordinatorError


class Castle:
    """A coordinator with TLS in a folder of its own, whose owner is its administrator."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.address = free_address()
        self.url = f"https://{self.address}"

    def command(self, *arguments: str) -> list[str | Path]:
        """Return a command of the administrator, for its folder."""
        return [program("SWEEP_BIN", "sweep"), "--json", *arguments]

    def ask(self, *arguments: str) -> object:
        """Run such a command and read its answer."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SWEEP_")}
        answer: object = json.loads(subprocess.check_output(self.command(*arguments), cwd=self.home, env=environment))
        return answer

    def token(self, role: str) -> str:
        """Return a new token of the role."""
        created = self.ask("token", "create", role, "--label", f"a {role}")
        assert isinstance(created, dict)
        return str(created["token"])


def _castle(home: Path, corpora: Path) -> Iterator[Castle]:
    castle = Castle(home)
    serve = castle.command("serve", "--tls", "--listen", castle.address, "--data-dir", ".sweep", "--corpora", str(corpora))
    log = home / "coordinator.txt"
    with log.open("wb") as said, subprocess.Popen(serve, stdout=said, stderr=said, cwd=home) as coordinator:
        try:
            wait_until(lambda: castle.ask("token", "list"), subprocess.CalledProcessError, log)
            yield castle
        finally:
            coordinator.terminate()


@pytest.fixture(scope="module")
def castle(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Castle]:
    """Return a coordinator with a worker that has joined by a token, which lets others read the tiny dataset."""
    home = tmp_path_factory.mktemp("castle")
    for castle in _castle(home, folder):
        join: list[str | Path] = [program("SWEEP_WORKER_BIN", "sweep-worker"), "join", castle.url, "--slots", "1"]
        join += ["--device", "cpu", "--state-dir", home / "worker"]
        environment = {**os.environ, "SWEEP_TOKEN": castle.token("worker")}
        with (home / "worker.txt").open("wb") as log:
            joined = subprocess.Popen(join, stdout=log, stderr=log, env=environment)
            try:
                yield castle
            finally:
                joined.terminate()
                joined.wait()


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Castle]:
    """Return another coordinator, with another authority."""
    home = tmp_path_factory.mktemp("stranger")
    yield from _castle(home, home)


def test_a_submitter_launches_and_a_viewer_looks_on(castle: Castle, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    viewer = castle.token("viewer")
    with Client(castle.url, castle.token("submitter")) as submitter, Client(castle.url, viewer) as watcher:
        launched = submitter.launch(folder / "tiny.toml")
        assert launched.wait(timeout=SWEEP_TIMEOUT_SECONDS).state == "finished"

        assert [sweep.id for sweep in watcher.sweeps()] == [launched.id]
        seen = watcher.sweep(launched.id)
        assert seen.status().owner_label == "a submitter"
        assert [status.state for status in seen.watch(timeout=SWEEP_TIMEOUT_SECONDS)] == ["finished"]
        assert seen.report() == launched.report()
        for attempt in (lambda: watcher.launch(folder / "tiny.toml"), seen.cancel, seen.pause):
            with pytest.raises(AccessError, match="admin or submitter"):
                attempt()

    # The variables of the command line do as well.
    monkeypatch.setenv("SWEEP_SERVER", castle.url)
    monkeypatch.setenv("SWEEP_TOKEN", viewer)
    with Client() as client:
        assert [sweep.name for sweep in client.sweeps()] == ["tiny"]


def test_a_token_that_lets_nobody_in_is_told_with_who_can_help(castle: Castle, stranger: Castle) -> None:
    with Client(castle.url, castle.token("worker")) as joiner, pytest.raises(AccessError, match="admin or submitter or viewer"):
        joiner.sweeps()

    whole = castle.token("viewer")
    with pytest.raises(TokenError, match="sweep token create") as torn:
        Client(castle.url, whole[:-1])
    assert whole[:-1] not in str(torn.value)
    with pytest.raises(TokenError, match="SWEEP_TOKEN"):
        Client(castle.url)

    castle.ask("token", "revoke", whole.split(".")[1])
    with pytest.raises(AccessError, match=r"revoked.*sweep token create viewer"):
        Client(castle.url, whole)

    # The pin of this coordinator around the secret of another one.
    foreign, own = stranger.token("viewer").split("."), castle.token("viewer").split(".")
    with pytest.raises(AccessError, match=r"not known here.*sweep token create"):
        Client(castle.url, ".".join([*foreign[:3], own[3]]))


def test_nothing_is_said_to_another_coordinator(castle: Castle, stranger: Castle) -> None:
    before = stranger.ask("token", "list")
    with pytest.raises(WrongCoordinatorError, match="Nothing was sent"):
        Client(stranger.url, castle.token("submitter"))
    assert stranger.ask("token", "list") == before


def test_the_other_scheme_is_named(castle: Castle, server: str) -> None:
    with pytest.raises(AddressError, match=f"write {castle.url}.*SWEEP_TOKEN"):
        Client(castle.url.replace("https", "http"))
    with pytest.raises(AddressError, match=f"write {server}"):
        Client(server.replace("http", "https"), castle.token("submitter"))


def test_text_is_not_taken_for_a_path(castle: Castle) -> None:
    with Client(castle.url, castle.token("submitter")) as client:
        with pytest.raises(SweepFileError, match="line break"):
            client.launch('name = "one line"')
        with pytest.raises(SweepFileError, match="line break"):
            client.launch('name = "' + "long" * 1_000 + '"')
        with pytest.raises(FileNotFoundError):
            client.launch("nowhere.toml")
