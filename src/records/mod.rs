//! Articles and labelled articles in and out of files (JSONL, CSV, text, compressed), with positions.
