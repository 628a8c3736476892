"""Writes golden.json: what PyTorch computes for small models, to check the trainer against.

    python -m venv venv && venv/bin/pip install torch
    venv/bin/python make.py > golden.json

Everything is computed in float64 from float32 initial values, on one thread.
"""

import json
import sys

import torch

torch.manual_seed(20)
torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)

VOCABULARY, EMBEDDING, UNITS, STEPS = 11, 5, 4, 10
ROWS = [[2, 7, 3], [4], [5, 6, 2, 9, 10, 3], [8, 8, 1], [3, 2]]
LABELS = {2: [1, 0, 1, 0, 1], 3: [2, 0, 1, 2, 1]}
CELLS = {"simple_rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}
OPTIMIZERS = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "rmsprop": torch.optim.RMSprop,
    "sgd": torch.optim.SGD,
}


class Classifier(torch.nn.Module):
    def __init__(self, cell, layers, bidirectional, pooling, classes):
        super().__init__()
        self.pooling = pooling
        self.embedding = torch.nn.Embedding(VOCABULARY, EMBEDDING)
        self.rnn = CELLS[cell](EMBEDDING, UNITS, layers, bidirectional=bidirectional, batch_first=True)
        width = UNITS * (2 if bidirectional else 1)
        self.output = torch.nn.Linear(width, 1 if classes == 2 else classes)

    def forward(self):
        logits = []
        for row in ROWS:  # one row at a time: no padding, no mask
            states, last = self.rnn(self.embedding(torch.tensor([row])))
            last = last[0] if isinstance(last, tuple) else last
            if self.pooling == "last":
                directions = 2 if self.rnn.bidirectional else 1
                pooled = torch.cat(list(last[-directions:]), dim=1)
            elif self.pooling == "mean":
                pooled = states.mean(dim=1)
            else:
                pooled = states.max(dim=1).values
            logits.append(self.output(pooled)[0])
        return torch.stack(logits)


def loss_of(logits, classes):
    labels = torch.tensor(LABELS[classes])
    if classes == 2:
        return torch.nn.functional.binary_cross_entropy_with_logits(logits[:, 0], labels.double())
    return torch.nn.functional.cross_entropy(logits, labels)


def plain(named):
    return {name: [float(f"{value:.9g}") for value in tensor.detach().flatten().tolist()] for name, tensor in named}


def case(cell, layers, bidirectional, pooling, classes, optimizer, weight_decay, clip):
    model = Classifier(cell, layers, bidirectional, pooling, classes)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(parameter.float().double())  # exactly representable in float32
    record = {
        "configuration": {
            "cell": cell, "layers": layers, "bidirectional": bidirectional, "pooling": pooling, "units": UNITS,
            "embedding": EMBEDDING, "optimizer": optimizer, "learning_rate": 0.01,
            "weight_decay": weight_decay, "gradient_clip": clip,
        },
        "classes": classes,
        "labels": LABELS[classes],
        "weights": {name: [float(value) for value in tensor.detach().flatten().tolist()] for name, tensor in model.named_parameters()},
    }
    logits = model()
    loss = loss_of(logits, classes)
    loss.backward()
    record["logits"] = plain([("logits", logits)])["logits"]
    record["loss"] = loss.item()
    record["gradients"] = plain((name, tensor.grad) for name, tensor in model.named_parameters())
    update = OPTIMIZERS[optimizer](model.parameters(), lr=0.01, weight_decay=weight_decay)
    losses = []
    for _ in range(STEPS):
        update.zero_grad()
        loss = loss_of(model(), classes)
        loss.backward()
        losses.append(loss.item())
        if clip > 0:
            torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
        update.step()
    record["losses"] = losses
    record["trained"] = plain(model.named_parameters())
    return record


cases = [
    case(cell, layers, bidirectional, pooling, classes, optimizer, decay, clip)
    for cell in CELLS
    for optimizer, layers, bidirectional, pooling, classes, decay, clip in [
        ("adam", 1, False, "last", 2, 0.0, 0.0),
        ("adamw", 2, True, "mean", 3, 0.1, 0.05),
        ("rmsprop", 1, True, "max", 2, 0.01, 1.0),
        ("sgd", 2, False, "last", 3, 0.01, 0.05),
    ]
]
json.dump({"torch": torch.__version__, "rows": ROWS, "vocabulary": VOCABULARY, "cases": cases}, sys.stdout)
sys.stdout.write("\n")
