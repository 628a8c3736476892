//! Models, kernels, optimisers and the training loop of one trial.
