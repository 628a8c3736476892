//! Sweeps over the real corpora beside the checkout.
