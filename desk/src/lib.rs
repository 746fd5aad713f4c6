//! Windlass over HTTP: the API, its roles, its numbers.
//!
//! ```text
//! listen -> router -> guard (token -> roles) -> audit -> api -> engine
//!             ^
//!           table: what there is, who may -> openapi
//! ```
//!
//! Schedules and notices are those of `windlass-duty`, which keeps them in the engine's store; its
//! tasks run elsewhere in the process.
//!
//! The table is the one list of endpoints. [`serve()`] answers until it is closed; [`Tokens`] and
//! [`Audit`] are also for commands that come another way than over HTTP. Events of runs become
//! server-sent events (`api/feed`), numbers at `/metrics` and, when a run is over,
//! traces (`trace`).

mod api;
mod audit;
mod config;
mod console;
mod endpoint;
mod gate;
mod guard;
mod library;
mod listen;
mod metrics;
mod openapi;
pub mod people;
mod problem;
mod refusal;
mod role;
mod router;
mod seats;
mod serve;
mod table;
mod token;
pub mod trace;

pub use audit::{Actor, Audit, Begun, Entry, Retention};
pub use config::{Config, ConfigError, Listen, NoAddress};
pub use endpoint::{Endpoint, Method};
pub use library::Library;
pub use listen::{Accepting, TlsError};
pub use openapi::document;
pub use problem::{Kind as ProblemKind, Problem};
pub use role::{Need, NoSuchRole, Role};
pub use serve::{Bound, ServeError, serve};
pub use table::table;
pub use token::{NewToken, Refused, Token, TokenError, Tokens};
