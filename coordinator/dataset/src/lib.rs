//! Datasets: readers, tokenisation, vocabulary, splits, and the encoded form that workers train on.
