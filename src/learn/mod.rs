//! Labelled articles become counts, counts become a model; evaluation. No input or output.
