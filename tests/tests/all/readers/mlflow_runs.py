"""Prints what MLflow's client reads in a file store, as JSON: experiments with their runs, and the artifacts' contents."""

import json
import sys
import tempfile
from pathlib import Path

from mlflow.entities import Run
from mlflow.tracking import MlflowClient

client = MlflowClient(tracking_uri=Path(sys.argv[1]).absolute().as_uri())


def read(run: Run) -> dict:
    number = run.info.run_id
    histories = {name: client.get_metric_history(number, name) for name in run.data.metrics}
    with tempfile.TemporaryDirectory() as folder:
        artifacts = {
            one.path: Path(client.download_artifacts(number, one.path, folder)).read_text(encoding="utf-8")
            for one in client.list_artifacts(number)
        }
    return {
        "name": run.info.run_name,
        "status": run.info.status,
        "started": run.info.start_time,
        "ended": run.info.end_time,
        "metrics": {name: [[one.step, one.value] for one in history] for name, history in histories.items()},
        "times": {name: [one.timestamp for one in history] for name, history in histories.items()},
        "latest": run.data.metrics,
        "parameters": run.data.params,
        "tags": run.data.tags,
        "artifacts": artifacts,
    }


print(
    json.dumps(
        {
            experiment.name: [read(run) for run in client.search_runs([experiment.experiment_id])]
            for experiment in client.search_experiments()
        }
    )
)
