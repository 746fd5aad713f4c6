//! What a daemon does besides driving runs: schedules and notices.
