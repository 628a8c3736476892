"""PyTorch's side: UNITS BATCH EMBEDDING LENGTH SECONDS THREADS [PROCESSES [DEVICE]]; prints one JSON line.

Embedding -> LSTM -> Linear(1), binary cross-entropy of logits, Adam, vocabulary of 10,000 uniform tokens. Several
processes begin to measure together.
"""

import resource
import sys
import time

from together import run_together


def measure(arguments, barrier, results):
    units, batch, size, length, seconds, threads, device = arguments
    import torch
    from torch import nn

    torch.set_num_threads(threads)
    torch.set_default_device(device)
    torch.manual_seed(0)
    vocabulary, rows = 10_000, 5_000
    tokens = torch.randint(0, vocabulary, (rows, length))
    labels = torch.randint(0, 2, (rows,)).float()

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(vocabulary, size)
            self.lstm = nn.LSTM(size, units, batch_first=True)
            self.output = nn.Linear(units, 1)

        def forward(self, tokens):
            _, (state, _) = self.lstm(self.embedding(tokens))
            return self.output(state[-1]).squeeze(-1)

    model, loss_of = Model(), nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    order = torch.randperm(rows)

    def step(place):
        start = place % (rows // batch) * batch
        chosen = order[start : start + batch]
        optimizer.zero_grad()
        loss = loss_of(model(tokens[chosen]), labels[chosen])
        loss.backward()
        optimizer.step()
        return loss.item()

    for place in range(3):
        step(place)
    barrier.wait()
    started, steps = time.perf_counter(), 0
    while steps < 3 or time.perf_counter() - started < seconds:
        step(steps)
        steps += 1
    rate = steps * batch / (time.perf_counter() - started)
    results.put((rate, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024))


def main():
    units, batch, size, length = map(int, sys.argv[1:5])
    seconds, threads = float(sys.argv[5]), int(sys.argv[6])
    processes = int(sys.argv[7]) if len(sys.argv) > 7 else 1
    device = sys.argv[8] if len(sys.argv) > 8 else "cpu"
    run_together(measure, (units, batch, size, length, seconds, threads, device), processes)


if __name__ == "__main__":
    main()
