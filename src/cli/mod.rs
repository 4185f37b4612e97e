//! The command-line door: one module per command; renders reports.
