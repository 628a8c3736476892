"""From the protocol's messages to plain values."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Final

from .status import (
    Configuration,
    EarlierChoice,
    Epoch,
    HandBack,
    Ledger,
    LowestTrial,
    Progress,
    Rows,
    RunningTrial,
    Search,
    Status,
    SweepWarning,
    TestResult,
    Worker,
)

if TYPE_CHECKING:
    from ._generated import sweep_pb2, types_pb2

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)


def progress(message: sweep_pb2.Progress) -> Progress:
    """Say how far a preparation is; a total of 0 is an unknown one."""
    return Progress(message.stage, message.done, message.total or None, "bytes" if message.in_bytes else "items")


def status(message: sweep_pb2.SweepStatus) -> Status:
    """Say how a sweep stands."""
    return Status(
        id=message.id,
        name=message.name,
        state=message.state,
        ledger=_ledger(message.ledger, is_open_ended=message.search.is_open_ended),
        created_at=_time(message.created_at_ms),
        ended_at=_time(message.ended_at_ms) if message.ended_at_ms else None,
        running=tuple(_running(trial) for trial in message.running),
        best=tuple(
            Configuration(one.label, one.completed, one.score, one.accuracy, _objective(one)) for one in message.best
        ),
        eta_seconds=message.eta_seconds if message.HasField("eta_seconds") else None,
        chosen=message.chosen if message.HasField("chosen") else None,
        test=_test(message.test) if message.HasField("test") else None,
        workers=message.workers,
        slots=message.slots,
        epochs_done=message.epochs_done,
        epochs_planned=None if message.search.is_open_ended else message.epochs_planned,
        replicates=message.replicates,
        lowest=_lowest(message.lowest) if message.HasField("lowest") else None,
        rows=Rows(message.rows.train, message.rows.validation, message.rows.test) if message.HasField("rows") else None,
        warnings=tuple(SweepWarning(one.kind, one.text) for one in message.warnings),
        outlook=message.outlook,
        no_worker_since=_time(message.no_worker_since_ms) if message.HasField("no_worker_since_ms") else None,
        eta_low_seconds=message.eta_low_seconds if message.HasField("eta_low_seconds") else None,
        eta_high_seconds=message.eta_high_seconds if message.HasField("eta_high_seconds") else None,
        running_seconds=message.running_seconds,
        held=message.held if message.HasField("held") else None,
        handed_back=tuple(
            HandBack(one.trial.index, one.attempt, one.worker, one.how, one.reason) for one in message.handed_back
        ),
        earlier_choices=tuple(_earlier_choice(one) for one in message.earlier_choices),
        matters_most=message.matters_most if message.HasField("matters_most") else None,
        owner=message.owner or None,
        owner_label=message.owner_label or None,
        priority=message.priority,
        search=_search(message.search) if message.HasField("search") else None,
        objective=message.objective or "validation_loss",
        further_objectives=tuple(message.further_objectives),
    )


def _objective(message: sweep_pb2.ConfigurationStatus | sweep_pb2.LowestTrial) -> float:
    return message.objective if message.HasField("objective") else message.score


def _search(message: sweep_pb2.SearchStatus) -> Search:
    return Search(
        message.sampler,
        message.pruner,
        message.trials_made,
        message.trials_max if message.HasField("trials_max") else None,
        message.epochs_max if message.HasField("epochs_max") else None,
        message.at_rungs,
        message.hours_max if message.HasField("hours_max") else None,
        message.money_max if message.HasField("money_max") else None,
        message.hours_spent if message.HasField("hours_spent") else None,
        message.money_spent if message.HasField("money_spent") else None,
        message.spent or None,
        message.is_open_ended,
        message.shelved,
    )


def _earlier_choice(message: sweep_pb2.EarlierChoice) -> EarlierChoice:
    accuracy = message.accuracy if message.HasField("accuracy") else None
    return EarlierChoice(message.label, _time(message.at_ms), message.trials, accuracy)


def _lowest(message: sweep_pb2.LowestTrial) -> LowestTrial:
    return LowestTrial(message.id.index, message.label, message.score, _objective(message))


def worker(message: sweep_pb2.WorkerStatus) -> Worker:
    """Say how a worker is."""
    return Worker(message.id, message.profile.name, message.state, message.last_seen_ms / 1_000, tuple(message.trials))


def _ledger(message: sweep_pb2.Ledger, *, is_open_ended: bool) -> Ledger:
    known = {name: getattr(message, name) for name in Ledger.__dataclass_fields__ if name != "others"}
    known["planned"] = None if is_open_ended else message.planned
    counts = {count.state: count.trials for count in message.by_state}
    others = {name: trials for name, trials in counts.items() if name not in known}
    known.update((name, trials) for name, trials in counts.items() if name in known)
    return Ledger(**known, others=others)


def _running(message: sweep_pb2.RunningTrial) -> RunningTrial:
    return RunningTrial(
        trial=message.id.index,
        attempt=message.attempt,
        label=message.label,
        worker=message.worker,
        evaluating=message.evaluating,
        epochs_total=message.epochs_total,
        last=_epoch(message.last) if message.HasField("last") else None,
        is_away=message.is_away,
    )


def _epoch(message: types_pb2.EpochMetric) -> Epoch:
    numbers = {name: getattr(message, name) for name in Epoch.__dataclass_fields__ if name != "energy_joules"}
    return Epoch(**numbers, energy_joules=message.energy_joules if message.HasField("energy_joules") else None)


def _test(message: types_pb2.TestMetric) -> TestResult:
    confusion = tuple(tuple(row.counts) for row in message.confusion)
    more = {figure.name: figure.value for figure in message.more}
    return TestResult(message.loss, message.accuracy, message.macro_f1, confusion, more)


def _time(milliseconds: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=milliseconds)
