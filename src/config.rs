//! config of the two doors.
