//! The coordinator server and the sweep command line.
