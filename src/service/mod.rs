//! The gRPC door: conversions, RPCs, one error to status table, health, one stack of tower layers.
