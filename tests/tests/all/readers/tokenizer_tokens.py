"""Prints what the library `tokenizers` makes of the texts in texts.json, by the name of each other file of the folder, as JSON."""

import json
import sys
from pathlib import Path

from tokenizers import Tokenizer

folder = Path(sys.argv[1])
texts = json.loads((folder / "texts.json").read_text(encoding="utf-8"))
files = [file for file in sorted(folder.glob("*.json")) if file.stem != "texts"]
print(json.dumps({file.stem: [one.ids for one in Tokenizer.from_file(str(file)).encode_batch(texts)] for file in files}))
