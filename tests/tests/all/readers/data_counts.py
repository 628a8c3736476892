"""Writes small data of every kind into a folder, reads each back with pandas and pyarrow, and prints what they count, as JSON.

A row counts as usable where it has a text and a label, as unusable where it lacks one, and as blank where every cell is empty.
"""

import json
import sys
import tarfile
import zipfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

Row = tuple[str | None, str | None]

ROWS: list[Row] = [
    (text.format(number), label)
    for number in range(20)
    for text, label in [
        ("a good film {}, of which much was said", "good"),
        ('they called it "bad" {}', "bad"),
        ("two\nlines {}\tand a tab; a bar | too", "bad"),
        ("très bien {} 정말 좋아요", "good"),
    ]
]
GAPS: list[Row] = [*ROWS, ("no label", None), (None, "good"), ("   ", "bad"), ("NaN", "good"), ("a text", "NaN"), (None, None)]
PLAIN: list[Row] = [
    (f"a {label} film {number} {'and ' * (number % 5)}", label) for number in range(30) for label in ("good", "bad")
]
ENCODED = {
    "cp949": ("정말 재밌는 영화였어요", "너무 지루하고 별로네요"),
    "cp1251": ("Очень хороший фильм", "Плохой фильм был"),
    "shift_jis": ("とても面白い映画でした", "つまらない作品だった"),
    "gb18030": ("这部电影非常好看", "太无聊了不推荐"),
    "utf-16": ("a good film", "정말 별로였어요"),
    "utf-8-sig": ("très bien", "pas bien"),
}


def is_missing(cell: object) -> bool:
    return cell is None or pd.isna(cell) or not str(cell).strip() or str(cell).strip() in {"NaN", "nan"}


def counts(rows: Iterable[Row], blank_lines: int = 0) -> dict:
    rows = list(rows)
    blank = [row for row in rows if all(cell is None or cell == "" for cell in row)]
    usable = [row for row in rows if not is_missing(row[0]) and not is_missing(row[1])]
    return {
        "usable": len(usable),
        "blank": len(blank) + blank_lines,
        "unusable": len(rows) - len(usable) - len(blank),
        "classes": dict(Counter(str(label).strip() for _, label in usable)),
    }


def texts(rows: Iterable[Row]) -> list[str]:
    return [" ".join(str(text).split()) for text, label in rows if not is_missing(text) and not is_missing(label)]


def of_frame(frame: pd.DataFrame, text: object = "text", label: object = "label") -> list[Row]:
    return list(zip(frame[text], frame[label], strict=True))


def frame_of(rows: list[Row]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["text", "label"])


def read_csv(path: Path, **options: object) -> list[Row]:
    header = options.pop("header", 0)
    frame = pd.read_csv(path, dtype=str, keep_default_na=False, header=header, skip_blank_lines=True, **options)
    return of_frame(frame, *([0, 1] if header is None else ["text", "label"]))


class Cases:
    """The cases of a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.found: list[dict] = []

    def path(self, name: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def add(self, path: Path, rows: Iterable[Row], **settings: object) -> None:
        self.found.append({"path": str(path), "settings": settings, "expected": counts(rows)})

    def delimited(self) -> None:
        for name, written, read, settings in [
            ("minimal.csv", {}, {}, {}),
            ("all.csv", {"quoting": 1}, {}, {}),
            ("crlf.csv", {"lineterminator": "\r\n"}, {}, {}),
            ("semicolon.csv", {"sep": ";"}, {"sep": ";"}, {}),
            ("bar.csv", {"sep": "|"}, {"sep": "|"}, {}),
            ("tabs.tsv", {"sep": "\t"}, {"sep": "\t"}, {}),
            ("backslash.csv", {"doublequote": False, "escapechar": "\\"}, {"doublequote": False, "escapechar": "\\"}, {}),
            ("bare.csv", {"header": False}, {"header": None}, {"header": False, "text": "1", "label": "2"}),
        ]:
            for kind, rows in [("whole", ROWS), ("gaps", GAPS)]:
                path = self.path(f"delimited/{kind}-{name}")
                frame_of(rows).to_csv(path, index=False, **written)
                self.add(path, read_csv(path, **read), **settings)

    def json(self) -> None:
        rows = [row for row in GAPS if row[0] != "NaN" and row[1] != "NaN"]
        path = self.path("json/lines.jsonl")
        frame_of(rows).to_json(path, orient="records", lines=True)
        self.add(path, of_frame(pd.read_json(path, lines=True, dtype=False)))
        for orient in ["records", "split", "columns", "index"]:
            path = self.path(f"json/{orient}.json")
            frame_of(rows).to_json(path, orient=orient)
            self.add(path, of_frame(pd.read_json(path, orient=orient, dtype=False)))
        path = self.path("json/nested.jsonl")
        path.write_text(
            "".join(json.dumps({"review": {"text": text, "by": 1}, "meta": {"label": label}}) + "\n" for text, label in rows)
        )
        frame = pd.json_normalize([json.loads(line) for line in path.read_text().splitlines()])
        self.add(path, of_frame(frame, "review.text", "meta.label"), text="review.text", label="meta.label")

    def parquet(self) -> None:
        for codec in ["none", "snappy", "zstd", "gzip"]:
            path = self.path(f"parquet/{codec}.parquet")
            labels = pa.array([label for _, label in GAPS]).dictionary_encode()
            pq.write_table(pa.table({"text": [text for text, _ in GAPS], "label": labels}), path, compression=codec)
            table = pq.read_table(path)
            self.add(path, zip(table["text"].to_pylist(), table["label"].to_pylist(), strict=True))

    def prefixed(self) -> None:
        path = self.path("prefixed/fasttext.txt")
        path.write_text("".join(f"__label__{label} {text}\n" for text, label in PLAIN))
        self.add(path, [tuple(line.removeprefix("__label__").split(" ", 1)[::-1]) for line in path.read_text().splitlines()])
        path = self.path("prefixed/trec.label")
        path.write_text("".join(f"{label.upper()}:fine {text}\n" for text, label in PLAIN))
        lines = [line.split(" ", 1) for line in path.read_text().splitlines()]
        self.add(path, [(text, label.split(":")[0]) for label, text in lines])

    def folders(self) -> None:
        for number, (text, label) in enumerate(PLAIN):
            self.path(f"folders/classes/{label}/{number}.txt").write_text(text if number else "")
            with self.path(f"folders/files/{label}.txt").open("a") as file:
                file.write(text + "\n")
        classes = self.folder / "folders/classes"
        self.add(classes, [(file.read_text() or " ", file.parent.name) for file in classes.glob("*/*.txt")])
        files = self.folder / "folders/files"
        self.add(files, [(line, file.stem) for file in files.glob("*.txt") for line in file.read_text().splitlines()])

    def shards(self) -> None:
        frame = frame_of(PLAIN)
        for number in range(3):
            part = frame.iloc[20 * number : 20 * number + 20]
            part.to_csv(self.path(f"shards/csv/part-{number}.csv"), index=False)
            part.to_parquet(self.path(f"shards/parquet/data/part-{number}.parquet"))
        tables = sorted((self.folder / "shards/csv").glob("*.csv"))
        rows = [row for table in tables for row in read_csv(table)]
        self.add(self.folder / "shards/csv", rows)
        self.add(self.folder / "shards/csv/part-*.csv", rows)
        self.add(self.folder / "shards/csv/part-[01].csv", [row for table in tables[:2] for row in read_csv(table)])
        self.add(self.folder / "shards/parquet", of_frame(pq.read_table(self.folder / "shards/parquet/data").to_pandas()))
        archive = self.path("shards/tables.zip")
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
            for table in tables:
                packed.write(table, f"inner/{table.name}")
        with zipfile.ZipFile(archive) as packed:
            rows = [
                row
                for name in packed.namelist()
                for row in of_frame(pd.read_csv(packed.open(name), dtype=str, keep_default_na=False))
            ]
        self.add(archive, rows)
        archive = self.path("shards/tables.tar.gz")
        with tarfile.open(archive, "w:gz") as packed:
            for table in tables:
                packed.add(table, table.name)
        with tarfile.open(archive) as packed:
            rows = [row for name in packed.getnames() for row in of_frame(pd.read_csv(packed.extractfile(name), dtype=str))]
        self.add(archive, rows)

    def compressed(self) -> None:
        for ending, compression in [("gz", "gzip"), ("bz2", "bz2"), ("xz", "xz"), ("zip", "zip")]:
            path = self.path(f"compressed/rows.csv.{ending}")
            frame_of(GAPS).to_csv(path, index=False, compression=compression)
            self.add(path, read_csv(path, compression=compression))
        path = self.path("compressed/rows.csv.zst")
        with pa.output_stream(str(path), compression="zstd") as packed:
            packed.write(frame_of(GAPS).to_csv(index=False).encode())
        with pa.input_stream(str(path), compression="zstd") as packed:
            self.add(path, read_csv(packed))

    def encodings(self) -> None:
        for encoding, (good, bad) in ENCODED.items():
            rows = [(f"{text} {number}", label) for number in range(30) for text, label in [(good, "good"), (bad, "bad")]]
            path = self.path(f"encodings/{encoding}.csv")
            frame_of(rows).to_csv(path, index=False, encoding=encoding)
            self.add(path, read_csv(path, encoding=encoding))

    def splits(self) -> None:
        validation = [*PLAIN[:6], *[(f"held out {number}", label) for number, (_, label) in enumerate(PLAIN[:20])]]
        test = [*[(f"  {text.replace(' ', '  ')} ", label) for text, label in PLAIN[:9]], *validation[4:]]
        training = [*PLAIN, *PLAIN[:4]]
        parts = {"train": training, "validation": validation, "test": test}
        for part, rows in parts.items():
            frame_of(rows).to_csv(self.path(f"splits/{part}.csv"), index=False)
        rows = {part: read_csv(self.folder / f"splits/{part}.csv") for part in parts}
        known = set(texts(rows["train"]))
        repeats = {part: sum(text in known for text in texts(rows[part])) for part in ["validation", "test"]}
        repeats["train"] = len(texts(rows["train"])) - len(known)
        sizes = {part: len(texts(rows[part])) for part in parts}
        self.add(
            self.folder / "splits/train.csv",
            [row for part in rows.values() for row in part],
            validation=str(self.folder / "splits/validation.csv"),
            test=str(self.folder / "splits/test.csv"),
        )
        self.found[-1]["expected"] |= {"repeats": repeats, "sizes": sizes}


def main() -> None:
    cases = Cases(Path(sys.argv[1]))
    for write in [
        cases.delimited,
        cases.json,
        cases.parquet,
        cases.prefixed,
        cases.folders,
        cases.shards,
        cases.compressed,
        cases.encodings,
        cases.splits,
    ]:
        write()
    print(json.dumps(cases.found))


if __name__ == "__main__":
    main()
