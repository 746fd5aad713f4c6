//! What the endpoints of the table do. Each file has its handlers and what they take and give.
//!
//! The types here are the API's own, and versioned with its path; where a type of the engine is a
//! promise already (it is in journals), it is used as it is. Moments are milliseconds since 1970,
//! UTC, as in journals.

pub(crate) mod acts;
pub(crate) mod admin;
pub(crate) mod answers;
pub(crate) mod feed;
pub(crate) mod keyed;
pub(crate) mod notices;
pub(crate) mod plain;
pub(crate) mod runbooks;
pub(crate) mod runs;
pub(crate) mod schedules;
pub(crate) mod start;
pub(crate) mod watch;
