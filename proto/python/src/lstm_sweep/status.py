"""How a sweep stands: the protocol's messages as plain values. Times are UTC, losses in nats, accuracies fractions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

#: States in which nothing changes any more.
ENDED: Final = frozenset({"finished", "cancelled"})


@dataclass(frozen=True)
class Progress:
    """How far the preparation of the data is."""

    stage: str
    done: int
    total: int | None
    """`None` where it is not known."""
    unit: str
    """`bytes` or `items`, of `done` and `total`."""


@dataclass(frozen=True)
class Ledger:
    """Trials by state; `pending` to `cancelled` sum to `planned`."""

    planned: int | None
    """`None` where hours or money alone decide how many trials there are: the states are those of the trials that were made."""
    pending: int
    leased: int
    """With a worker."""
    paused: int
    completed: int
    pruned: int
    diverged: int
    failed: int
    cancelled: int
    reused: int
    """Of the completed ones: taken over from an earlier sweep."""
    away: int = 0
    """Of the leased ones: their worker is not connected."""
    others: Mapping[str, int] = field(default_factory=dict)
    """Trials in states that only a later version of the coordinator has, by their names."""

    @property
    def ended(self) -> int:
        """Trials that ran to an end, in whatever way; those that were cancelled did not."""
        return self.completed + self.pruned + self.diverged + self.failed


@dataclass(frozen=True)
class Epoch:
    """What an epoch of a trial came to."""

    epoch: int
    """From 1."""
    train_loss: float
    train_accuracy: float
    validation_loss: float
    validation_accuracy: float
    validation_macro_f1: float
    """Unweighted mean of the F1 over classes."""
    seconds: float
    """Training and validation."""
    examples_per_second: float
    peak_memory_bytes: int
    """Of the process that trains, so far."""
    energy_joules: float | None = None
    """Of the device, in joules; None where it does not tell."""


@dataclass(frozen=True)
class RunningTrial:
    """A trial that a worker has."""

    trial: int
    """Its position in the sweep, from 0."""
    attempt: int
    label: str
    """Its swept hyperparameters in words."""
    worker: str
    evaluating: bool
    """Whether it is measured on the test split, not trained."""
    epochs_total: int
    last: Epoch | None
    """Its last finished epoch."""
    is_away: bool = False
    """Whether its worker is not connected."""


@dataclass(frozen=True)
class Configuration:
    """A configuration with a completed trial."""

    label: str
    """Its swept hyperparameters in words."""
    completed: int
    """Replicates completed."""
    score: float
    """Validation loss at the best epoch, the mean over completed replicates."""
    accuracy: float
    """Validation accuracy at the same epochs, alike."""
    objective: float | None = None
    """The sweep's objective at the same epochs, alike."""


@dataclass(frozen=True)
class LowestTrial:
    """The completed trial that is the best by the sweep's objective: one seed of one configuration."""

    trial: int
    """Its position in the sweep, from 0."""
    label: str
    """Its swept hyperparameters and replicate in words."""
    score: float
    """Validation loss at the best epoch."""
    objective: float | None = None
    """The sweep's objective at the same epoch."""


@dataclass(frozen=True)
class Rows:
    """Rows of each split of the dataset."""

    train: int
    validation: int
    test: int


@dataclass(frozen=True)
class SweepWarning:
    """What a reader must know beside the answer."""

    kind: str
    """A word for programs: `no_better_than_guessing`, `still_learning`, `in_training`, `few_rows`, `unusable`, ..."""
    text: str
    """Sentences for people."""


@dataclass(frozen=True)
class HandBack:
    """An attempt that its worker handed back in trouble, or whose lease ran out."""

    trial: int
    """Its position in the sweep, from 0."""
    attempt: int
    worker: str
    how: str
    """`handed back` or `lease lost`."""
    reason: str
    """The worker's last words about it."""


@dataclass(frozen=True)
class EarlierChoice:
    """A choice that was measured on the test split before the sweep was extended or retried."""

    label: str
    """Its swept hyperparameters in words."""
    at: datetime
    trials: int
    """Completed trials that it was chosen from."""
    accuracy: float | None
    """On the test split."""


@dataclass(frozen=True)
class Search:
    """How the space of a sweep is searched, and how far the search has come."""

    sampler: str
    """Who proposes configurations."""
    pruner: str
    """Who ends trials early, or `none`."""
    trials_made: int
    trials_max: int | None
    """The budget of trials."""
    epochs_max: int | None
    """The budget of epochs, of which `epochs_done` are spent."""
    at_rungs: int
    """Trials that wait to be promoted."""
    hours_max: float | None = None
    """The budget of hours for which attempts hold their slots."""
    money_max: float | None = None
    """The budget of money."""
    hours_spent: float | None = None
    """For how many hours attempts held their slots; None without a budget of hours or money."""
    money_spent: float | None = None
    """What these hours cost."""
    spent: str | None = None
    """The part of the budget because of which no trial begins any more: `hours` or `money`."""
    is_open_ended: bool = False
    """Whether nobody knows how many trials it comes to: as many as its hours or money allow."""
    shelved: int = 0
    """Trials that were pruned because the budget was spent, and go on from their checkpoints where it is raised."""


@dataclass(frozen=True)
class TestResult:
    """The chosen configuration on the test split: means over its replicates."""

    __test__ = False  # no test, whatever pytest thinks of its name

    loss: float
    accuracy: float
    macro_f1: float
    confusion: tuple[tuple[int, ...], ...]
    """`confusion[truth][predicted]`, summed over replicates; empty in lists."""
    more: Mapping[str, float] = field(default_factory=dict)
    """Further figures by their names in the table of metrics (docs/metrics.md), those that were measured of every replicate."""


@dataclass(frozen=True)
class Status:
    """A sweep at one moment."""

    id: int
    name: str
    state: str
    """`open`, `paused`, `evaluating`, `finished` or `cancelled`."""
    ledger: Ledger
    created_at: datetime
    ended_at: datetime | None
    running: tuple[RunningTrial, ...]
    best: tuple[Configuration, ...]
    """Best first, at most ten."""
    eta_seconds: float | None
    """Until the last epoch, by the epochs so far; `None` where it cannot be told."""
    chosen: str | None
    """The configuration with the best score, in words, once all trials have ended."""
    test: TestResult | None
    workers: int
    """Of the coordinator, that take work."""
    slots: int
    """Theirs together: how many trials run at one time."""
    epochs_done: int
    epochs_planned: int | None
    """`None` where hours or money alone decide how many trials there are."""
    replicates: int = 0
    """Planned of each configuration; 0 where the coordinator does not tell."""
    lowest: LowestTrial | None = None
    rows: Rows | None = None
    warnings: tuple[SweepWarning, ...] = ()
    outlook: str = ""
    """What is to be expected: `still` (nothing is to be done), `no_worker` (nobody is connected who would do it),
    `unmeasured` (it goes on, its end cannot be told) or `ends` (see `eta_seconds`)."""
    no_worker_since: datetime | None = None
    """When a worker was last heard, where none is connected."""
    eta_low_seconds: float | None = None
    """The interval of `eta_seconds`: nine of ten hold the end."""
    eta_high_seconds: float | None = None
    running_seconds: float = 0.0
    """In which trials ran, without what the sweep or its coordinator stood still."""
    held: str | None = None
    """Why the coordinator itself holds the sweep, which is paused then; `resume` goes on."""
    handed_back: tuple[HandBack, ...] = ()
    """Of trials that are not over, newest first, at most ten."""
    earlier_choices: tuple[EarlierChoice, ...] = ()
    """Where there are any the last test score is optimistic: `warnings` says why."""
    matters_most: str | None = None
    """The hyperparameter or `undecided`, and why; of a sweep that has ended, not in `statuses()`."""
    owner: str | None = None
    """Who launched it: they may change it, and administrators may. `None` where the coordinator does not tell."""
    priority: int = 0
    """Trials of sweeps with a higher one are handed out first."""
    owner_label: str | None = None
    """What the owner's token is called, for people; while the coordinator knows the token."""
    search: Search | None = None
    """`None` where every configuration is trained to its end."""
    objective: str = "validation_loss"
    """The metric by which `best` and `lowest` are the best."""
    further_objectives: tuple[str, ...] = ()
    """What configurations are weighed by beside that, on the Pareto front of the report: metrics, `parameters` or
    `seconds`."""

    @property
    def has_ended(self) -> bool:
        """Whether nothing changes any more."""
        return self.state in ENDED

    def __str__(self) -> str:
        ledger = self.ledger
        best = ""
        if self.best:
            first = self.best[0]
            by = self.objective.removeprefix("validation_").replace("_", " ")
            value = first.score if first.objective is None else first.objective
            best = f", best {by} {value:.4f} ({first.completed}/{self.replicates or first.completed} replicates)"
        trials = f"{ledger.ended}" if ledger.planned is None else f"{ledger.ended}/{ledger.planned}"
        epochs = f"{self.epochs_done}" if self.epochs_planned is None else f"{self.epochs_done}/{self.epochs_planned}"
        return f"{self.name}: {self.state}, {trials} trials, {epochs} epochs, {len(self.running)} running{best}"


@dataclass(frozen=True)
class Worker:
    """A worker as its coordinator knows it."""

    id: str
    name: str
    state: str
    """`ready`, `resting`, `disconnected`, `draining`, `lost` or `departed`."""
    last_seen_seconds: float
    """Seconds since it was last heard."""
    trials: tuple[str, ...]
    """What it trains, each as SWEEP/POSITION."""
