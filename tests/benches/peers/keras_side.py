"""Keras' side (TensorFlow): UNITS BATCH EMBEDDING LENGTH SECONDS THREADS; prints one JSON line."""

import json
import os
import resource
import sys
import time

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"


def main():
    units, batch, size, length = map(int, sys.argv[1:5])
    seconds, threads = float(sys.argv[5]), int(sys.argv[6])
    import keras
    import numpy as np
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    keras.utils.set_random_seed(0)
    random = np.random.RandomState(0)
    tokens = random.randint(0, 10_000, size=(5_000, length)).astype("int32")
    labels = random.randint(0, 2, size=(5_000,)).astype("float32")
    model = keras.Sequential(
        [
            keras.layers.Embedding(10_000, size),
            keras.layers.LSTM(units),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(optimizer="adam", loss="binary_crossentropy")

    def epoch(steps):
        started = time.perf_counter()
        model.fit(tokens[: steps * batch], labels[: steps * batch], batch_size=batch, epochs=1, verbose=0)
        return time.perf_counter() - started

    epoch(3)
    steps = max(3, min(5_000 // batch, int(seconds * 3 / epoch(3))))
    rate = steps * batch / epoch(steps)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"examples_per_second": rate, "peak_memory_bytes": memory}))


if __name__ == "__main__":
    main()
