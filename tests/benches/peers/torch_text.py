"""PyTorch on an encoded dataset's training split: FILE UNITS BATCH EMBEDDING SECONDS THREADS PROCESSES padded|packed.

`padded`: shuffled rows, padded to the longest row of the dataset, as most scripts do. `packed`: batches of rows of similar
length, as lstm-sweep makes them, through `pack_padded_sequence`. Prints one JSON line.
"""

import json
import resource
import struct
import sys
import time

from together import run_together


def read(path):
    """The rows and labels of the training split, and the header."""
    import numpy as np

    with open(path, "rb") as file:
        content = file.read()
    size = struct.unpack_from("<Q", content, 8)[0]
    header = json.loads(content[16 : 16 + size])
    place = (16 + size + 7) // 8 * 8
    count = header["splits"][0]["rows"]
    offsets = np.frombuffer(content, "<u8", count + 1, place).astype(int)
    labels = np.frombuffer(content, "<u4", count, place + 8 * (count + 1))
    place = (place + 8 * (count + 1) + 4 * count + 7) // 8 * 8
    tokens = np.frombuffer(content, "<u4", offsets[-1], place).astype("int64")
    return [tokens[offsets[row] : offsets[row + 1]] for row in range(count)], labels.astype("float32"), header


def measure(arguments, barrier, results):
    path, units, batch, size, seconds, threads, kind = arguments
    import numpy as np
    import torch
    from torch import nn
    from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    random = np.random.RandomState(0)
    rows, labels, header = read(path)
    rows, labels = [torch.from_numpy(row) for row in rows], torch.from_numpy(labels)
    length = max(len(row) for row in rows)

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(header["vocabulary"], size)
            self.lstm = nn.LSTM(size, units, batch_first=True)
            self.output = nn.Linear(units, 1)

        def forward(self, tokens, lengths):
            values = self.embedding(tokens)
            if lengths is not None:
                values = pack_padded_sequence(values, lengths, batch_first=True)
            _, (state, _) = self.lstm(values)
            return self.output(state[-1]).squeeze(-1)

    model, loss_of = Model(), nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    if kind == "padded":
        whole = torch.zeros(len(rows), length, dtype=torch.int64)
        for row, values in enumerate(rows):
            whole[row, length - len(values) :] = values

    def batches():
        while True:
            order = random.permutation(len(rows))
            if kind == "padded":
                yield from (order[start : start + batch] for start in range(0, len(order), batch))
                continue
            found = []
            for start in range(0, len(order), 50 * batch):
                window = sorted(order[start : start + 50 * batch], key=lambda row: len(rows[row]))
                found += [window[start : start + batch] for start in range(0, len(window), batch)]
            random.shuffle(found)
            yield from found

    def step(chosen):
        if kind == "padded":
            tokens, lengths = whole[chosen], None
        else:
            chosen = sorted(chosen, key=lambda row: -len(rows[row]))
            tokens = pad_sequence([rows[row] for row in chosen], batch_first=True)
            lengths = torch.tensor([len(rows[row]) for row in chosen])
        optimizer.zero_grad()
        loss = loss_of(model(tokens, lengths), labels[torch.as_tensor(np.asarray(chosen))])
        loss.backward()
        optimizer.step()
        loss.item()
        return len(chosen)

    source = batches()
    for _ in range(3):
        step(next(source))
    barrier.wait()
    started, examples, steps = time.perf_counter(), 0, 0
    while steps < 3 or time.perf_counter() - started < seconds:
        examples += step(next(source))
        steps += 1
    rate = examples / (time.perf_counter() - started)
    results.put((rate, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024))


def main():
    path, (units, batch, size) = sys.argv[1], map(int, sys.argv[2:5])
    seconds, threads, processes, kind = float(sys.argv[5]), int(sys.argv[6]), int(sys.argv[7]), sys.argv[8]
    run_together(measure, (path, units, batch, size, seconds, threads, kind), processes)


if __name__ == "__main__":
    main()
