"""Client of lstm-sweep: launches, watches and reads hyperparameter sweeps of recurrent text classifiers.

    from lstm_sweep import Client

    sweep = Client().launch("reviews.toml")
    for status in sweep.watch():
        print(status)
    print(sweep.answer()["label"])

Losses are in nats, accuracies fractions, times UTC.
"""

from .client import Client
from .errors import (
    AccessError,
    AddressError,
    NotFoundError,
    ProgramError,
    StateError,
    SweepError,
    SweepFileError,
    TimedOutError,
    TokenError,
    UnavailableError,
    VerificationError,
    WrongCoordinatorError,
)
from .program import Prediction, Program
from .report import Report
from .signature import Verified
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
from .sweep import Sweep

__all__ = [
    "AccessError",
    "AddressError",
    "Client",
    "Configuration",
    "EarlierChoice",
    "Epoch",
    "HandBack",
    "Ledger",
    "LowestTrial",
    "NotFoundError",
    "Prediction",
    "Program",
    "ProgramError",
    "Progress",
    "Report",
    "Rows",
    "RunningTrial",
    "Search",
    "StateError",
    "Status",
    "Sweep",
    "SweepError",
    "SweepFileError",
    "SweepWarning",
    "TestResult",
    "TimedOutError",
    "TokenError",
    "UnavailableError",
    "VerificationError",
    "Verified",
    "Worker",
    "WrongCoordinatorError",
]
