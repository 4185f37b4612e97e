//! telemetry of the two doors.
