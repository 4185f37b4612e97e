//! Labelled articles to learn from.
