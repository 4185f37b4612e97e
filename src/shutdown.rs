//! shutdown of the two doors.
