"""Prints what TensorBoard reads in a folder of runs, as JSON: scalars, hyperparameters, and how each run ended."""

import json
import sys
from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData


def read(folder: Path) -> dict:
    events = EventAccumulator(str(folder)).Reload()
    sessions = {tag: HParamsPluginData.FromString(data) for tag, data in events.PluginTagToContent("hparams").items()}
    start = sessions["_hparams_/session_start_info"].session_start_info
    end = sessions["_hparams_/session_end_info"].session_end_info
    return {
        "scalars": {tag: [[one.step, one.value] for one in events.Scalars(tag)] for tag in events.Tags()["scalars"]},
        "parameters": {name: getattr(value, value.WhichOneof("kind")) for name, value in start.hparams.items()},
        "group": start.group_name,
        "started": start.start_time_secs,
        "ended": end.end_time_secs,
        "status": end.status,
    }


# As TensorBoard does: whatever folder holds event files is a run, named by its path.
root = Path(sys.argv[1])
runs = {file.parent for file in root.rglob("*tfevents*")}
print(json.dumps({str(run.relative_to(root)): read(run) for run in runs}))
