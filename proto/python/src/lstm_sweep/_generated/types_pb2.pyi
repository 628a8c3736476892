from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class FailureKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FAILURE_KIND_UNSPECIFIED: _ClassVar[FailureKind]
    FAILURE_KIND_CRASHED: _ClassVar[FailureKind]
    FAILURE_KIND_OUT_OF_MEMORY: _ClassVar[FailureKind]
    FAILURE_KIND_DATA: _ClassVar[FailureKind]
    FAILURE_KIND_DEVICE: _ClassVar[FailureKind]
    FAILURE_KIND_REJECTED: _ClassVar[FailureKind]
    FAILURE_KIND_STALLED: _ClassVar[FailureKind]

class DeviceKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DEVICE_KIND_UNSPECIFIED: _ClassVar[DeviceKind]
    DEVICE_KIND_CPU: _ClassVar[DeviceKind]
    DEVICE_KIND_CUDA: _ClassVar[DeviceKind]
FAILURE_KIND_UNSPECIFIED: FailureKind
FAILURE_KIND_CRASHED: FailureKind
FAILURE_KIND_OUT_OF_MEMORY: FailureKind
FAILURE_KIND_DATA: FailureKind
FAILURE_KIND_DEVICE: FailureKind
FAILURE_KIND_REJECTED: FailureKind
FAILURE_KIND_STALLED: FailureKind
DEVICE_KIND_UNSPECIFIED: DeviceKind
DEVICE_KIND_CPU: DeviceKind
DEVICE_KIND_CUDA: DeviceKind

class TrialId(_message.Message):
    __slots__ = ("sweep", "index")
    SWEEP_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    sweep: int
    index: int
    def __init__(self, sweep: _Optional[int] = ..., index: _Optional[int] = ...) -> None: ...

class ArtifactRef(_message.Message):
    __slots__ = ("digest", "bytes")
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    digest: bytes
    bytes: int
    def __init__(self, digest: _Optional[bytes] = ..., bytes: _Optional[int] = ...) -> None: ...

class CheckpointRef(_message.Message):
    __slots__ = ("epoch", "artifact", "batches")
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    ARTIFACT_FIELD_NUMBER: _ClassVar[int]
    BATCHES_FIELD_NUMBER: _ClassVar[int]
    epoch: int
    artifact: ArtifactRef
    batches: int
    def __init__(self, epoch: _Optional[int] = ..., artifact: _Optional[_Union[ArtifactRef, _Mapping]] = ..., batches: _Optional[int] = ...) -> None: ...

class Value(_message.Message):
    __slots__ = ("integer", "real", "flag", "word")
    INTEGER_FIELD_NUMBER: _ClassVar[int]
    REAL_FIELD_NUMBER: _ClassVar[int]
    FLAG_FIELD_NUMBER: _ClassVar[int]
    WORD_FIELD_NUMBER: _ClassVar[int]
    integer: int
    real: float
    flag: bool
    word: str
    def __init__(self, integer: _Optional[int] = ..., real: _Optional[float] = ..., flag: bool = ..., word: _Optional[str] = ...) -> None: ...

class TrialSpec(_message.Message):
    __slots__ = ("id", "configuration", "replicate", "seed", "dataset")
    class ConfigurationEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: Value
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[Value, _Mapping]] = ...) -> None: ...
    ID_FIELD_NUMBER: _ClassVar[int]
    CONFIGURATION_FIELD_NUMBER: _ClassVar[int]
    REPLICATE_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    DATASET_FIELD_NUMBER: _ClassVar[int]
    id: TrialId
    configuration: _containers.MessageMap[str, Value]
    replicate: int
    seed: int
    dataset: bytes
    def __init__(self, id: _Optional[_Union[TrialId, _Mapping]] = ..., configuration: _Optional[_Mapping[str, Value]] = ..., replicate: _Optional[int] = ..., seed: _Optional[int] = ..., dataset: _Optional[bytes] = ...) -> None: ...

class EpochMetric(_message.Message):
    __slots__ = ("epoch", "train_loss", "train_accuracy", "validation_loss", "validation_accuracy", "validation_macro_f1", "seconds", "examples_per_second", "peak_memory_bytes", "energy_joules")
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    TRAIN_LOSS_FIELD_NUMBER: _ClassVar[int]
    TRAIN_ACCURACY_FIELD_NUMBER: _ClassVar[int]
    VALIDATION_LOSS_FIELD_NUMBER: _ClassVar[int]
    VALIDATION_ACCURACY_FIELD_NUMBER: _ClassVar[int]
    VALIDATION_MACRO_F1_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    EXAMPLES_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    PEAK_MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    ENERGY_JOULES_FIELD_NUMBER: _ClassVar[int]
    epoch: int
    train_loss: float
    train_accuracy: float
    validation_loss: float
    validation_accuracy: float
    validation_macro_f1: float
    seconds: float
    examples_per_second: float
    peak_memory_bytes: int
    energy_joules: float
    def __init__(self, epoch: _Optional[int] = ..., train_loss: _Optional[float] = ..., train_accuracy: _Optional[float] = ..., validation_loss: _Optional[float] = ..., validation_accuracy: _Optional[float] = ..., validation_macro_f1: _Optional[float] = ..., seconds: _Optional[float] = ..., examples_per_second: _Optional[float] = ..., peak_memory_bytes: _Optional[int] = ..., energy_joules: _Optional[float] = ...) -> None: ...

class StepMetric(_message.Message):
    __slots__ = ("sequence", "epoch", "step", "loss", "examples_per_second")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    LOSS_FIELD_NUMBER: _ClassVar[int]
    EXAMPLES_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    epoch: int
    step: int
    loss: float
    examples_per_second: float
    def __init__(self, sequence: _Optional[int] = ..., epoch: _Optional[int] = ..., step: _Optional[int] = ..., loss: _Optional[float] = ..., examples_per_second: _Optional[float] = ...) -> None: ...

class ConfusionRow(_message.Message):
    __slots__ = ("counts",)
    COUNTS_FIELD_NUMBER: _ClassVar[int]
    counts: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, counts: _Optional[_Iterable[int]] = ...) -> None: ...

class TestMetric(_message.Message):
    __slots__ = ("loss", "accuracy", "macro_f1", "confusion", "calibration", "hardest", "more")
    LOSS_FIELD_NUMBER: _ClassVar[int]
    ACCURACY_FIELD_NUMBER: _ClassVar[int]
    MACRO_F1_FIELD_NUMBER: _ClassVar[int]
    CONFUSION_FIELD_NUMBER: _ClassVar[int]
    CALIBRATION_FIELD_NUMBER: _ClassVar[int]
    HARDEST_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    loss: float
    accuracy: float
    macro_f1: float
    confusion: _containers.RepeatedCompositeFieldContainer[ConfusionRow]
    calibration: _containers.RepeatedCompositeFieldContainer[ConfidenceBin]
    hardest: _containers.RepeatedCompositeFieldContainer[HardExample]
    more: _containers.RepeatedCompositeFieldContainer[Figure]
    def __init__(self, loss: _Optional[float] = ..., accuracy: _Optional[float] = ..., macro_f1: _Optional[float] = ..., confusion: _Optional[_Iterable[_Union[ConfusionRow, _Mapping]]] = ..., calibration: _Optional[_Iterable[_Union[ConfidenceBin, _Mapping]]] = ..., hardest: _Optional[_Iterable[_Union[HardExample, _Mapping]]] = ..., more: _Optional[_Iterable[_Union[Figure, _Mapping]]] = ...) -> None: ...

class Figure(_message.Message):
    __slots__ = ("name", "value")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    name: str
    value: float
    def __init__(self, name: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...

class ConfidenceBin(_message.Message):
    __slots__ = ("rows", "correct", "confidence")
    ROWS_FIELD_NUMBER: _ClassVar[int]
    CORRECT_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    rows: int
    correct: int
    confidence: float
    def __init__(self, rows: _Optional[int] = ..., correct: _Optional[int] = ..., confidence: _Optional[float] = ...) -> None: ...

class HardExample(_message.Message):
    __slots__ = ("row", "truth", "predicted", "probability", "loss")
    ROW_FIELD_NUMBER: _ClassVar[int]
    TRUTH_FIELD_NUMBER: _ClassVar[int]
    PREDICTED_FIELD_NUMBER: _ClassVar[int]
    PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    LOSS_FIELD_NUMBER: _ClassVar[int]
    row: int
    truth: int
    predicted: int
    probability: float
    loss: float
    def __init__(self, row: _Optional[int] = ..., truth: _Optional[int] = ..., predicted: _Optional[int] = ..., probability: _Optional[float] = ..., loss: _Optional[float] = ...) -> None: ...

class TrialResult(_message.Message):
    __slots__ = ("best_epoch", "epochs", "early_stopped", "score", "accuracy", "parameters", "model")
    BEST_EPOCH_FIELD_NUMBER: _ClassVar[int]
    EPOCHS_FIELD_NUMBER: _ClassVar[int]
    EARLY_STOPPED_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    ACCURACY_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    best_epoch: int
    epochs: int
    early_stopped: bool
    score: float
    accuracy: float
    parameters: int
    model: ArtifactRef
    def __init__(self, best_epoch: _Optional[int] = ..., epochs: _Optional[int] = ..., early_stopped: bool = ..., score: _Optional[float] = ..., accuracy: _Optional[float] = ..., parameters: _Optional[int] = ..., model: _Optional[_Union[ArtifactRef, _Mapping]] = ...) -> None: ...

class Diverged(_message.Message):
    __slots__ = ("epoch", "message")
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    epoch: int
    message: str
    def __init__(self, epoch: _Optional[int] = ..., message: _Optional[str] = ...) -> None: ...

class Failed(_message.Message):
    __slots__ = ("kind", "message")
    KIND_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    kind: FailureKind
    message: str
    def __init__(self, kind: _Optional[_Union[FailureKind, str]] = ..., message: _Optional[str] = ...) -> None: ...

class Released(_message.Message):
    __slots__ = ("checkpoint",)
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    checkpoint: CheckpointRef
    def __init__(self, checkpoint: _Optional[_Union[CheckpointRef, _Mapping]] = ...) -> None: ...

class Reached(_message.Message):
    __slots__ = ("epoch",)
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    epoch: int
    def __init__(self, epoch: _Optional[int] = ...) -> None: ...

class AttemptOutcome(_message.Message):
    __slots__ = ("trained", "evaluated", "diverged", "failed", "released", "reached")
    TRAINED_FIELD_NUMBER: _ClassVar[int]
    EVALUATED_FIELD_NUMBER: _ClassVar[int]
    DIVERGED_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    RELEASED_FIELD_NUMBER: _ClassVar[int]
    REACHED_FIELD_NUMBER: _ClassVar[int]
    trained: TrialResult
    evaluated: TestMetric
    diverged: Diverged
    failed: Failed
    released: Released
    reached: Reached
    def __init__(self, trained: _Optional[_Union[TrialResult, _Mapping]] = ..., evaluated: _Optional[_Union[TestMetric, _Mapping]] = ..., diverged: _Optional[_Union[Diverged, _Mapping]] = ..., failed: _Optional[_Union[Failed, _Mapping]] = ..., released: _Optional[_Union[Released, _Mapping]] = ..., reached: _Optional[_Union[Reached, _Mapping]] = ...) -> None: ...

class Device(_message.Message):
    __slots__ = ("kind", "ordinal", "model", "memory_bytes")
    KIND_FIELD_NUMBER: _ClassVar[int]
    ORDINAL_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    kind: DeviceKind
    ordinal: int
    model: str
    memory_bytes: int
    def __init__(self, kind: _Optional[_Union[DeviceKind, str]] = ..., ordinal: _Optional[int] = ..., model: _Optional[str] = ..., memory_bytes: _Optional[int] = ...) -> None: ...

class WorkerProfile(_message.Message):
    __slots__ = ("name", "build", "slots", "devices", "group")
    NAME_FIELD_NUMBER: _ClassVar[int]
    BUILD_FIELD_NUMBER: _ClassVar[int]
    SLOTS_FIELD_NUMBER: _ClassVar[int]
    DEVICES_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    name: str
    build: str
    slots: int
    devices: _containers.RepeatedCompositeFieldContainer[Device]
    group: int
    def __init__(self, name: _Optional[str] = ..., build: _Optional[str] = ..., slots: _Optional[int] = ..., devices: _Optional[_Iterable[_Union[Device, _Mapping]]] = ..., group: _Optional[int] = ...) -> None: ...

class ProtocolVersion(_message.Message):
    __slots__ = ("major", "minor")
    MAJOR_FIELD_NUMBER: _ClassVar[int]
    MINOR_FIELD_NUMBER: _ClassVar[int]
    major: int
    minor: int
    def __init__(self, major: _Optional[int] = ..., minor: _Optional[int] = ...) -> None: ...

class Chunk(_message.Message):
    __slots__ = ("data",)
    DATA_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    def __init__(self, data: _Optional[bytes] = ...) -> None: ...
