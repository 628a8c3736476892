from lstm_sweep._generated import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ExportFormat(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EXPORT_FORMAT_UNSPECIFIED: _ClassVar[ExportFormat]
    EXPORT_FORMAT_TENSORBOARD: _ClassVar[ExportFormat]
    EXPORT_FORMAT_MLFLOW: _ClassVar[ExportFormat]
EXPORT_FORMAT_UNSPECIFIED: ExportFormat
EXPORT_FORMAT_TENSORBOARD: ExportFormat
EXPORT_FORMAT_MLFLOW: ExportFormat

class LaunchRequest(_message.Message):
    __slots__ = ("file_name", "text", "directory", "forbid_reuse", "attach", "priority")
    FILE_NAME_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    DIRECTORY_FIELD_NUMBER: _ClassVar[int]
    FORBID_REUSE_FIELD_NUMBER: _ClassVar[int]
    ATTACH_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    file_name: str
    text: str
    directory: str
    forbid_reuse: bool
    attach: bool
    priority: int
    def __init__(self, file_name: _Optional[str] = ..., text: _Optional[str] = ..., directory: _Optional[str] = ..., forbid_reuse: bool = ..., attach: bool = ..., priority: _Optional[int] = ...) -> None: ...

class LaunchEvent(_message.Message):
    __slots__ = ("progress", "launched", "data_changed_since")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    LAUNCHED_FIELD_NUMBER: _ClassVar[int]
    DATA_CHANGED_SINCE_FIELD_NUMBER: _ClassVar[int]
    progress: Progress
    launched: SweepStatus
    data_changed_since: int
    def __init__(self, progress: _Optional[_Union[Progress, _Mapping]] = ..., launched: _Optional[_Union[SweepStatus, _Mapping]] = ..., data_changed_since: _Optional[int] = ...) -> None: ...

class Progress(_message.Message):
    __slots__ = ("stage", "done", "total", "in_bytes")
    STAGE_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    IN_BYTES_FIELD_NUMBER: _ClassVar[int]
    stage: str
    done: int
    total: int
    in_bytes: bool
    def __init__(self, stage: _Optional[str] = ..., done: _Optional[int] = ..., total: _Optional[int] = ..., in_bytes: bool = ...) -> None: ...

class ListRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListReply(_message.Message):
    __slots__ = ("sweeps",)
    SWEEPS_FIELD_NUMBER: _ClassVar[int]
    sweeps: _containers.RepeatedCompositeFieldContainer[SweepStatus]
    def __init__(self, sweeps: _Optional[_Iterable[_Union[SweepStatus, _Mapping]]] = ...) -> None: ...

class GetRequest(_message.Message):
    __slots__ = ("sweep",)
    SWEEP_FIELD_NUMBER: _ClassVar[int]
    sweep: str
    def __init__(self, sweep: _Optional[str] = ...) -> None: ...

class RetryRequest(_message.Message):
    __slots__ = ("sweep", "failed", "diverged", "trials")
    SWEEP_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    DIVERGED_FIELD_NUMBER: _ClassVar[int]
    TRIALS_FIELD_NUMBER: _ClassVar[int]
    sweep: str
    failed: bool
    diverged: bool
    trials: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, sweep: _Optional[str] = ..., failed: bool = ..., diverged: bool = ..., trials: _Optional[_Iterable[int]] = ...) -> None: ...

class RetryReply(_message.Message):
    __slots__ = ("sweep", "retried")
    SWEEP_FIELD_NUMBER: _ClassVar[int]
    RETRIED_FIELD_NUMBER: _ClassVar[int]
    sweep: SweepStatus
    retried: int
    def __init__(self, sweep: _Optional[_Union[SweepStatus, _Mapping]] = ..., retried: _Optional[int] = ...) -> None: ...

class DeleteReply(_message.Message):
    __slots__ = ("sweep", "name", "trials", "kept")
    SWEEP_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    TRIALS_FIELD_NUMBER: _ClassVar[int]
    KEPT_FIELD_NUMBER: _ClassVar[int]
    sweep: int
    name: str
    trials: int
    kept: int
    def __init__(self, sweep: _Optional[int] = ..., name: _Optional[str] = ..., trials: _Optional[int] = ..., kept: _Optional[int] = ...) -> None: ...

class ExtendRequest(_message.Message):
    __slots__ = ("sweep", "grid", "replicates", "trials", "epochs", "hours", "money")
    SWEEP_FIELD_NUMBER: _ClassVar[int]
    GRID_FIELD_NUMBER: _ClassVar[int]
    REPLICATES_FIELD_NUMBER: _ClassVar[int]
    TRIALS_FIELD_NUMBER: _ClassVar[int]
    EPOCHS_FIELD_NUMBER: _ClassVar[int]
    HOURS_FIELD_NUMBER: _ClassVar[int]
    MONEY_FIELD_NUMBER: _ClassVar[int]
    sweep: str
    grid: str
    replicates: int
    trials: int
    epochs: int
    hours: float
    money: float
    def __init__(self, sweep: _Optional[str] = ..., grid: _Optional[str] = ..., replicates: _Optional[int] = ..., trials: _Optional[int] = ..., epochs: _Optional[int] = ..., hours: _Optional[float] = ..., money: _Optional[float] = ...) -> None: ...

class ReportRequest(_message.Message):
    __slots__ = ("sweep", "prices", "language", "without_texts")
    SWEEP_FIELD_NUMBER: _ClassVar[int]
    PRICES_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    WITHOUT_TEXTS_FIELD_NUMBER: _ClassVar[int]
    sweep: str
    prices: _containers.RepeatedCompositeFieldContainer[DevicePrice]
    language: str
    without_texts: bool
    def __init__(self, sweep: _Optional[str] = ..., prices: _Optional[_Iterable[_Union[DevicePrice, _Mapping]]] = ..., language: _Optional[str] = ..., without_texts: bool = ...) -> None: ...

class DevicePrice(_message.Message):
    __slots__ = ("device", "per_device_hour")
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    PER_DEVICE_HOUR_FIELD_NUMBER: _ClassVar[int]
    device: str
    per_device_hour: float
    def __init__(self, device: _Optional[str] = ..., per_device_hour: _Optional[float] = ...) -> None: ...

class CompareRequest(_message.Message):
    __slots__ = ("first", "second", "language")
    FIRST_FIELD_NUMBER: _ClassVar[int]
    SECOND_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    first: str
    second: str
    language: str
    def __init__(self, first: _Optional[str] = ..., second: _Optional[str] = ..., language: _Optional[str] = ...) -> None: ...

class ExportRequest(_message.Message):
    __slots__ = ("sweep", "format", "folder_uri")
    SWEEP_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    FOLDER_URI_FIELD_NUMBER: _ClassVar[int]
    sweep: str
    format: ExportFormat
    folder_uri: str
    def __init__(self, sweep: _Optional[str] = ..., format: _Optional[_Union[ExportFormat, str]] = ..., folder_uri: _Optional[str] = ...) -> None: ...

class SealRequest(_message.Message):
    __slots__ = ("sweep", "projection")
    SWEEP_FIELD_NUMBER: _ClassVar[int]
    PROJECTION_FIELD_NUMBER: _ClassVar[int]
    sweep: str
    projection: int
    def __init__(self, sweep: _Optional[str] = ..., projection: _Optional[int] = ...) -> None: ...

class SealReply(_message.Message):
    __slots__ = ("sweep", "state", "records", "key", "projection")
    SWEEP_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    PROJECTION_FIELD_NUMBER: _ClassVar[int]
    sweep: int
    state: str
    records: str
    key: str
    projection: int
    def __init__(self, sweep: _Optional[int] = ..., state: _Optional[str] = ..., records: _Optional[str] = ..., key: _Optional[str] = ..., projection: _Optional[int] = ...) -> None: ...

class FilePart(_message.Message):
    __slots__ = ("name", "data")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    name: str
    data: bytes
    def __init__(self, name: _Optional[str] = ..., data: _Optional[bytes] = ...) -> None: ...

class StateCount(_message.Message):
    __slots__ = ("state", "trials")
    STATE_FIELD_NUMBER: _ClassVar[int]
    TRIALS_FIELD_NUMBER: _ClassVar[int]
    state: str
    trials: int
    def __init__(self, state: _Optional[str] = ..., trials: _Optional[int] = ...) -> None: ...

class Ledger(_message.Message):
    __slots__ = ("planned", "pending", "leased", "paused", "completed", "pruned", "diverged", "failed", "cancelled", "reused", "away", "by_state")
    PLANNED_FIELD_NUMBER: _ClassVar[int]
    PENDING_FIELD_NUMBER: _ClassVar[int]
    LEASED_FIELD_NUMBER: _ClassVar[int]
    PAUSED_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_FIELD_NUMBER: _ClassVar[int]
    PRUNED_FIELD_NUMBER: _ClassVar[int]
    DIVERGED_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    CANCELLED_FIELD_NUMBER: _ClassVar[int]
    REUSED_FIELD_NUMBER: _ClassVar[int]
    AWAY_FIELD_NUMBER: _ClassVar[int]
    BY_STATE_FIELD_NUMBER: _ClassVar[int]
    planned: int
    pending: int
    leased: int
    paused: int
    completed: int
    pruned: int
    diverged: int
    failed: int
    cancelled: int
    reused: int
    away: int
    by_state: _containers.RepeatedCompositeFieldContainer[StateCount]
    def __init__(self, planned: _Optional[int] = ..., pending: _Optional[int] = ..., leased: _Optional[int] = ..., paused: _Optional[int] = ..., completed: _Optional[int] = ..., pruned: _Optional[int] = ..., diverged: _Optional[int] = ..., failed: _Optional[int] = ..., cancelled: _Optional[int] = ..., reused: _Optional[int] = ..., away: _Optional[int] = ..., by_state: _Optional[_Iterable[_Union[StateCount, _Mapping]]] = ...) -> None: ...

class RunningTrial(_message.Message):
    __slots__ = ("id", "attempt", "label", "worker", "evaluating", "epochs_total", "last", "is_away")
    ID_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    WORKER_FIELD_NUMBER: _ClassVar[int]
    EVALUATING_FIELD_NUMBER: _ClassVar[int]
    EPOCHS_TOTAL_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    IS_AWAY_FIELD_NUMBER: _ClassVar[int]
    id: _types_pb2.TrialId
    attempt: int
    label: str
    worker: str
    evaluating: bool
    epochs_total: int
    last: _types_pb2.EpochMetric
    is_away: bool
    def __init__(self, id: _Optional[_Union[_types_pb2.TrialId, _Mapping]] = ..., attempt: _Optional[int] = ..., label: _Optional[str] = ..., worker: _Optional[str] = ..., evaluating: bool = ..., epochs_total: _Optional[int] = ..., last: _Optional[_Union[_types_pb2.EpochMetric, _Mapping]] = ..., is_away: bool = ...) -> None: ...

class ConfigurationStatus(_message.Message):
    __slots__ = ("label", "completed", "score", "accuracy", "objective")
    LABEL_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    ACCURACY_FIELD_NUMBER: _ClassVar[int]
    OBJECTIVE_FIELD_NUMBER: _ClassVar[int]
    label: str
    completed: int
    score: float
    accuracy: float
    objective: float
    def __init__(self, label: _Optional[str] = ..., completed: _Optional[int] = ..., score: _Optional[float] = ..., accuracy: _Optional[float] = ..., objective: _Optional[float] = ...) -> None: ...

class SweepStatus(_message.Message):
    __slots__ = ("id", "name", "state", "ledger", "created_at_ms", "ended_at_ms", "running", "best", "eta_seconds", "chosen", "test", "workers", "slots", "epochs_done", "epochs_planned", "replicates", "lowest", "rows", "warnings", "outlook", "no_worker_since_ms", "eta_low_seconds", "eta_high_seconds", "running_seconds", "data", "held", "handed_back", "earlier_choices", "matters_most", "owner", "owner_label", "priority", "search", "objective", "further_objectives")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    LEDGER_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    ENDED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    RUNNING_FIELD_NUMBER: _ClassVar[int]
    BEST_FIELD_NUMBER: _ClassVar[int]
    ETA_SECONDS_FIELD_NUMBER: _ClassVar[int]
    CHOSEN_FIELD_NUMBER: _ClassVar[int]
    TEST_FIELD_NUMBER: _ClassVar[int]
    WORKERS_FIELD_NUMBER: _ClassVar[int]
    SLOTS_FIELD_NUMBER: _ClassVar[int]
    EPOCHS_DONE_FIELD_NUMBER: _ClassVar[int]
    EPOCHS_PLANNED_FIELD_NUMBER: _ClassVar[int]
    REPLICATES_FIELD_NUMBER: _ClassVar[int]
    LOWEST_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    OUTLOOK_FIELD_NUMBER: _ClassVar[int]
    NO_WORKER_SINCE_MS_FIELD_NUMBER: _ClassVar[int]
    ETA_LOW_SECONDS_FIELD_NUMBER: _ClassVar[int]
    ETA_HIGH_SECONDS_FIELD_NUMBER: _ClassVar[int]
    RUNNING_SECONDS_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    HELD_FIELD_NUMBER: _ClassVar[int]
    HANDED_BACK_FIELD_NUMBER: _ClassVar[int]
    EARLIER_CHOICES_FIELD_NUMBER: _ClassVar[int]
    MATTERS_MOST_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    OWNER_LABEL_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    SEARCH_FIELD_NUMBER: _ClassVar[int]
    OBJECTIVE_FIELD_NUMBER: _ClassVar[int]
    FURTHER_OBJECTIVES_FIELD_NUMBER: _ClassVar[int]
    id: int
    name: str
    state: str
    ledger: Ledger
    created_at_ms: int
    ended_at_ms: int
    running: _containers.RepeatedCompositeFieldContainer[RunningTrial]
    best: _containers.RepeatedCompositeFieldContainer[ConfigurationStatus]
    eta_seconds: float
    chosen: str
    test: _types_pb2.TestMetric
    workers: int
    slots: int
    epochs_done: int
    epochs_planned: int
    replicates: int
    lowest: LowestTrial
    rows: SplitRows
    warnings: _containers.RepeatedCompositeFieldContainer[Warning]
    outlook: str
    no_worker_since_ms: int
    eta_low_seconds: float
    eta_high_seconds: float
    running_seconds: float
    data: DataAccount
    held: str
    handed_back: _containers.RepeatedCompositeFieldContainer[HandBack]
    earlier_choices: _containers.RepeatedCompositeFieldContainer[EarlierChoice]
    matters_most: str
    owner: str
    owner_label: str
    priority: int
    search: SearchStatus
    objective: str
    further_objectives: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, id: _Optional[int] = ..., name: _Optional[str] = ..., state: _Optional[str] = ..., ledger: _Optional[_Union[Ledger, _Mapping]] = ..., created_at_ms: _Optional[int] = ..., ended_at_ms: _Optional[int] = ..., running: _Optional[_Iterable[_Union[RunningTrial, _Mapping]]] = ..., best: _Optional[_Iterable[_Union[ConfigurationStatus, _Mapping]]] = ..., eta_seconds: _Optional[float] = ..., chosen: _Optional[str] = ..., test: _Optional[_Union[_types_pb2.TestMetric, _Mapping]] = ..., workers: _Optional[int] = ..., slots: _Optional[int] = ..., epochs_done: _Optional[int] = ..., epochs_planned: _Optional[int] = ..., replicates: _Optional[int] = ..., lowest: _Optional[_Union[LowestTrial, _Mapping]] = ..., rows: _Optional[_Union[SplitRows, _Mapping]] = ..., warnings: _Optional[_Iterable[_Union[Warning, _Mapping]]] = ..., outlook: _Optional[str] = ..., no_worker_since_ms: _Optional[int] = ..., eta_low_seconds: _Optional[float] = ..., eta_high_seconds: _Optional[float] = ..., running_seconds: _Optional[float] = ..., data: _Optional[_Union[DataAccount, _Mapping]] = ..., held: _Optional[str] = ..., handed_back: _Optional[_Iterable[_Union[HandBack, _Mapping]]] = ..., earlier_choices: _Optional[_Iterable[_Union[EarlierChoice, _Mapping]]] = ..., matters_most: _Optional[str] = ..., owner: _Optional[str] = ..., owner_label: _Optional[str] = ..., priority: _Optional[int] = ..., search: _Optional[_Union[SearchStatus, _Mapping]] = ..., objective: _Optional[str] = ..., further_objectives: _Optional[_Iterable[str]] = ...) -> None: ...

class SearchStatus(_message.Message):
    __slots__ = ("sampler", "pruner", "trials_made", "trials_max", "epochs_max", "at_rungs", "hours_max", "money_max", "hours_spent", "money_spent", "is_open_ended", "shelved", "spent")
    SAMPLER_FIELD_NUMBER: _ClassVar[int]
    PRUNER_FIELD_NUMBER: _ClassVar[int]
    TRIALS_MADE_FIELD_NUMBER: _ClassVar[int]
    TRIALS_MAX_FIELD_NUMBER: _ClassVar[int]
    EPOCHS_MAX_FIELD_NUMBER: _ClassVar[int]
    AT_RUNGS_FIELD_NUMBER: _ClassVar[int]
    HOURS_MAX_FIELD_NUMBER: _ClassVar[int]
    MONEY_MAX_FIELD_NUMBER: _ClassVar[int]
    HOURS_SPENT_FIELD_NUMBER: _ClassVar[int]
    MONEY_SPENT_FIELD_NUMBER: _ClassVar[int]
    IS_OPEN_ENDED_FIELD_NUMBER: _ClassVar[int]
    SHELVED_FIELD_NUMBER: _ClassVar[int]
    SPENT_FIELD_NUMBER: _ClassVar[int]
    sampler: str
    pruner: str
    trials_made: int
    trials_max: int
    epochs_max: int
    at_rungs: int
    hours_max: float
    money_max: float
    hours_spent: float
    money_spent: float
    is_open_ended: bool
    shelved: int
    spent: str
    def __init__(self, sampler: _Optional[str] = ..., pruner: _Optional[str] = ..., trials_made: _Optional[int] = ..., trials_max: _Optional[int] = ..., epochs_max: _Optional[int] = ..., at_rungs: _Optional[int] = ..., hours_max: _Optional[float] = ..., money_max: _Optional[float] = ..., hours_spent: _Optional[float] = ..., money_spent: _Optional[float] = ..., is_open_ended: bool = ..., shelved: _Optional[int] = ..., spent: _Optional[str] = ...) -> None: ...

class HandBack(_message.Message):
    __slots__ = ("trial", "attempt", "worker", "how", "at_ms", "reason")
    TRIAL_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    WORKER_FIELD_NUMBER: _ClassVar[int]
    HOW_FIELD_NUMBER: _ClassVar[int]
    AT_MS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    trial: _types_pb2.TrialId
    attempt: int
    worker: str
    how: str
    at_ms: int
    reason: str
    def __init__(self, trial: _Optional[_Union[_types_pb2.TrialId, _Mapping]] = ..., attempt: _Optional[int] = ..., worker: _Optional[str] = ..., how: _Optional[str] = ..., at_ms: _Optional[int] = ..., reason: _Optional[str] = ...) -> None: ...

class EarlierChoice(_message.Message):
    __slots__ = ("label", "at_ms", "trials", "accuracy")
    LABEL_FIELD_NUMBER: _ClassVar[int]
    AT_MS_FIELD_NUMBER: _ClassVar[int]
    TRIALS_FIELD_NUMBER: _ClassVar[int]
    ACCURACY_FIELD_NUMBER: _ClassVar[int]
    label: str
    at_ms: int
    trials: int
    accuracy: float
    def __init__(self, label: _Optional[str] = ..., at_ms: _Optional[int] = ..., trials: _Optional[int] = ..., accuracy: _Optional[float] = ...) -> None: ...

class DataSplit(_message.Message):
    __slots__ = ("split", "rows", "class_rows", "in_training", "other_label", "truncated", "tokens", "unknown_tokens")
    SPLIT_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    CLASS_ROWS_FIELD_NUMBER: _ClassVar[int]
    IN_TRAINING_FIELD_NUMBER: _ClassVar[int]
    OTHER_LABEL_FIELD_NUMBER: _ClassVar[int]
    TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_TOKENS_FIELD_NUMBER: _ClassVar[int]
    split: str
    rows: int
    class_rows: _containers.RepeatedScalarFieldContainer[int]
    in_training: int
    other_label: int
    truncated: int
    tokens: int
    unknown_tokens: int
    def __init__(self, split: _Optional[str] = ..., rows: _Optional[int] = ..., class_rows: _Optional[_Iterable[int]] = ..., in_training: _Optional[int] = ..., other_label: _Optional[int] = ..., truncated: _Optional[int] = ..., tokens: _Optional[int] = ..., unknown_tokens: _Optional[int] = ...) -> None: ...

class DataFile(_message.Message):
    __slots__ = ("file", "split", "rows", "unusable", "notes")
    FILE_FIELD_NUMBER: _ClassVar[int]
    SPLIT_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    UNUSABLE_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    file: str
    split: str
    rows: int
    unusable: int
    notes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, file: _Optional[str] = ..., split: _Optional[str] = ..., rows: _Optional[int] = ..., unusable: _Optional[int] = ..., notes: _Optional[_Iterable[str]] = ...) -> None: ...

class RowCount(_message.Message):
    __slots__ = ("name", "rows")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    name: str
    rows: int
    def __init__(self, name: _Optional[str] = ..., rows: _Optional[int] = ...) -> None: ...

class BadRow(_message.Message):
    __slots__ = ("file", "line", "reason")
    FILE_FIELD_NUMBER: _ClassVar[int]
    LINE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    file: str
    line: int
    reason: str
    def __init__(self, file: _Optional[str] = ..., line: _Optional[int] = ..., reason: _Optional[str] = ...) -> None: ...

class DataAccount(_message.Message):
    __slots__ = ("classes", "files", "unusable", "unusable_reasons", "unusable_classes", "unusable_first", "left_out", "lost_classes", "splits", "tokenizer", "vocabulary", "warnings")
    CLASSES_FIELD_NUMBER: _ClassVar[int]
    FILES_FIELD_NUMBER: _ClassVar[int]
    UNUSABLE_FIELD_NUMBER: _ClassVar[int]
    UNUSABLE_REASONS_FIELD_NUMBER: _ClassVar[int]
    UNUSABLE_CLASSES_FIELD_NUMBER: _ClassVar[int]
    UNUSABLE_FIRST_FIELD_NUMBER: _ClassVar[int]
    LEFT_OUT_FIELD_NUMBER: _ClassVar[int]
    LOST_CLASSES_FIELD_NUMBER: _ClassVar[int]
    SPLITS_FIELD_NUMBER: _ClassVar[int]
    TOKENIZER_FIELD_NUMBER: _ClassVar[int]
    VOCABULARY_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    classes: _containers.RepeatedScalarFieldContainer[str]
    files: _containers.RepeatedCompositeFieldContainer[DataFile]
    unusable: int
    unusable_reasons: _containers.RepeatedCompositeFieldContainer[RowCount]
    unusable_classes: _containers.RepeatedCompositeFieldContainer[RowCount]
    unusable_first: _containers.RepeatedCompositeFieldContainer[BadRow]
    left_out: _containers.RepeatedCompositeFieldContainer[RowCount]
    lost_classes: _containers.RepeatedScalarFieldContainer[str]
    splits: _containers.RepeatedCompositeFieldContainer[DataSplit]
    tokenizer: str
    vocabulary: int
    warnings: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, classes: _Optional[_Iterable[str]] = ..., files: _Optional[_Iterable[_Union[DataFile, _Mapping]]] = ..., unusable: _Optional[int] = ..., unusable_reasons: _Optional[_Iterable[_Union[RowCount, _Mapping]]] = ..., unusable_classes: _Optional[_Iterable[_Union[RowCount, _Mapping]]] = ..., unusable_first: _Optional[_Iterable[_Union[BadRow, _Mapping]]] = ..., left_out: _Optional[_Iterable[_Union[RowCount, _Mapping]]] = ..., lost_classes: _Optional[_Iterable[str]] = ..., splits: _Optional[_Iterable[_Union[DataSplit, _Mapping]]] = ..., tokenizer: _Optional[str] = ..., vocabulary: _Optional[int] = ..., warnings: _Optional[_Iterable[str]] = ...) -> None: ...

class LowestTrial(_message.Message):
    __slots__ = ("id", "label", "score", "objective")
    ID_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    OBJECTIVE_FIELD_NUMBER: _ClassVar[int]
    id: _types_pb2.TrialId
    label: str
    score: float
    objective: float
    def __init__(self, id: _Optional[_Union[_types_pb2.TrialId, _Mapping]] = ..., label: _Optional[str] = ..., score: _Optional[float] = ..., objective: _Optional[float] = ...) -> None: ...

class SplitRows(_message.Message):
    __slots__ = ("train", "validation", "test")
    TRAIN_FIELD_NUMBER: _ClassVar[int]
    VALIDATION_FIELD_NUMBER: _ClassVar[int]
    TEST_FIELD_NUMBER: _ClassVar[int]
    train: int
    validation: int
    test: int
    def __init__(self, train: _Optional[int] = ..., validation: _Optional[int] = ..., test: _Optional[int] = ...) -> None: ...

class Warning(_message.Message):
    __slots__ = ("kind", "text")
    KIND_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    kind: str
    text: str
    def __init__(self, kind: _Optional[str] = ..., text: _Optional[str] = ...) -> None: ...

class WorkersRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class WorkerStatus(_message.Message):
    __slots__ = ("id", "profile", "state", "last_seen_ms", "trials")
    ID_FIELD_NUMBER: _ClassVar[int]
    PROFILE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    LAST_SEEN_MS_FIELD_NUMBER: _ClassVar[int]
    TRIALS_FIELD_NUMBER: _ClassVar[int]
    id: str
    profile: _types_pb2.WorkerProfile
    state: str
    last_seen_ms: int
    trials: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, id: _Optional[str] = ..., profile: _Optional[_Union[_types_pb2.WorkerProfile, _Mapping]] = ..., state: _Optional[str] = ..., last_seen_ms: _Optional[int] = ..., trials: _Optional[_Iterable[str]] = ...) -> None: ...

class WorkersReply(_message.Message):
    __slots__ = ("workers",)
    WORKERS_FIELD_NUMBER: _ClassVar[int]
    workers: _containers.RepeatedCompositeFieldContainer[WorkerStatus]
    def __init__(self, workers: _Optional[_Iterable[_Union[WorkerStatus, _Mapping]]] = ...) -> None: ...

class DrainRequest(_message.Message):
    __slots__ = ("worker",)
    WORKER_FIELD_NUMBER: _ClassVar[int]
    worker: str
    def __init__(self, worker: _Optional[str] = ...) -> None: ...

class DrainReply(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class RatesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class SlotRates(_message.Message):
    __slots__ = ("device", "models", "workers", "slots", "devices", "slot_memory_bytes", "trials", "is_borrowed", "seconds_per_unit", "error", "gap_seconds", "longest_epoch_seconds")
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    WORKERS_FIELD_NUMBER: _ClassVar[int]
    SLOTS_FIELD_NUMBER: _ClassVar[int]
    DEVICES_FIELD_NUMBER: _ClassVar[int]
    SLOT_MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    TRIALS_FIELD_NUMBER: _ClassVar[int]
    IS_BORROWED_FIELD_NUMBER: _ClassVar[int]
    SECONDS_PER_UNIT_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    GAP_SECONDS_FIELD_NUMBER: _ClassVar[int]
    LONGEST_EPOCH_SECONDS_FIELD_NUMBER: _ClassVar[int]
    device: _types_pb2.DeviceKind
    models: str
    workers: int
    slots: int
    devices: int
    slot_memory_bytes: int
    trials: int
    is_borrowed: bool
    seconds_per_unit: _containers.RepeatedScalarFieldContainer[float]
    error: float
    gap_seconds: float
    longest_epoch_seconds: float
    def __init__(self, device: _Optional[_Union[_types_pb2.DeviceKind, str]] = ..., models: _Optional[str] = ..., workers: _Optional[int] = ..., slots: _Optional[int] = ..., devices: _Optional[int] = ..., slot_memory_bytes: _Optional[int] = ..., trials: _Optional[int] = ..., is_borrowed: bool = ..., seconds_per_unit: _Optional[_Iterable[float]] = ..., error: _Optional[float] = ..., gap_seconds: _Optional[float] = ..., longest_epoch_seconds: _Optional[float] = ...) -> None: ...

class RatesReply(_message.Message):
    __slots__ = ("kinds",)
    KINDS_FIELD_NUMBER: _ClassVar[int]
    kinds: _containers.RepeatedCompositeFieldContainer[SlotRates]
    def __init__(self, kinds: _Optional[_Iterable[_Union[SlotRates, _Mapping]]] = ...) -> None: ...
