"""Says what a report tells of its devices; fails unless every trial completed on a GPU.

usage: check_report.py FOLDER
"""

import json
import pathlib
import sys


def main():
    """Reads report.json of the folder."""
    report = json.loads(pathlib.Path(sys.argv[1], "report.json").read_text())
    ledger, devices = report["ledger"], report["cost"]["by_device"]
    print("ledger", json.dumps(ledger))
    for device in devices:
        print("device", json.dumps(device))
    print("answer", report["answer"]["label"], json.dumps(report["answer"]["validation_loss"]))
    if ledger["states"]["completed"] != ledger["planned"]:
        sys.exit("not every trial completed")
    if not all("NVIDIA" in device["device"] for device in devices):
        sys.exit("not every trial ran on the GPU")


if __name__ == "__main__":
    main()
