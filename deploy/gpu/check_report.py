"""Says what a report tells of its devices; fails unless every trial completed, on devices of that name.

usage: check_report.py FOLDER NAME
"""

import csv
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
    with pathlib.Path(sys.argv[1], "epochs.csv").open(encoding="utf-8") as rows:
        told = [row for row in csv.DictReader(rows) if row["energy_joules"]]
    watts = sorted(float(row["energy_joules"]) / float(row["seconds"]) for row in told)
    print(f"energy of {len(told)} epochs" + (f", {watts[0]:.0f} to {watts[-1]:.0f} W" if watts else ""))
    print("answer", report["answer"]["label"], json.dumps(report["answer"]["validation_loss"]))
    if ledger["states"]["completed"] != ledger["planned"]:
        sys.exit("not every trial completed")
    if not all(sys.argv[2] in device["device"] for device in devices):
        sys.exit(f"not every trial ran on {sys.argv[2]}")


if __name__ == "__main__":
    main()
