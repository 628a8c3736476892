"""Prints what independent readers find in the files of a folder, as JSON: by file name, facts that differ from kind to kind."""

import csv
import json
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pyarrow.parquet
from PIL import Image

SVG = "{http://www.w3.org/2000/svg}"


def refuse(constant: str) -> None:
    message = f"{constant} is not JSON"
    raise ValueError(message)


def read_svg(path: Path) -> dict:
    drawing = ElementTree.parse(path).getroot()
    assert drawing.tag == f"{SVG}svg", drawing.tag
    shapes = [one for one in drawing.iter() if one.tag in {f"{SVG}path", f"{SVG}rect", f"{SVG}polygon", f"{SVG}polyline"}]
    # A curve is a stroke of two units' width through at least three points, which the marks of a legend are not.
    strokes = [one for one in shapes if one.get("stroke-width") == "2" and one.get("fill") == "none"]
    curves = {one.get("stroke") for one in strokes if one.get("d", "").count("L") >= 2}
    texts = ["".join(one.itertext()) for one in drawing.iter(f"{SVG}text")]
    return {"shapes": len(shapes), "curves": len(curves), "texts": texts}


def read_png(path: Path) -> dict:
    with Image.open(path) as picture:
        picture.load()
        colors = picture.convert("RGB").getcolors(maxcolors=1 << 24)
        return {"width": picture.width, "height": picture.height, "colors": len(colors)}


def read_csv(path: Path) -> dict:
    with path.open(newline="", encoding="utf-8") as file:
        head, *rows = csv.reader(file, strict=True)
    assert all(len(row) == len(head) for row in rows), "rows of different lengths"
    return {"columns": head, "rows": rows}


def read_parquet(path: Path) -> dict:
    table = pyarrow.parquet.read_table(path)
    table.validate(full=True)
    documented = {key.decode() for key, doc in table.schema.metadata.items() if doc}
    assert documented >= {f"doc.{name}" for name in table.column_names}, documented
    return {"columns": table.column_names, "rows": [list(row.values()) for row in table.to_pylist()]}


def read_json(path: Path) -> dict:
    return {"keys": list(json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse))}


READERS = {".svg": read_svg, ".png": read_png, ".csv": read_csv, ".parquet": read_parquet, ".json": read_json, ".sig": read_json}

found = {}
for path in sorted(Path(sys.argv[1]).iterdir()):
    reader = READERS.get(path.suffix)
    if reader:
        try:
            found[path.name] = reader(path)
        except Exception as problem:
            problem.add_note(path.name)
            raise
print(json.dumps(found))
