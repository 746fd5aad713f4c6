//! The one door to the engine: what can be asked, who may, and the client that asks.
//!
//! ```text
//! network: token -------\
//! socket: kernel's word ---> router -> guard (who -> roles) -> which run -> audit -> operation -> engine
//! in process: its user -/      ^                                                        |
//!                            table: what there is, who may -> the document          the client
//! ```
//!
//! An operation is one file in `operations/`, and a line in [`table()`]. It is asked for over HTTP:
//! over the network with a token ([`serve()`]), over the Unix socket of the state directory, where the
//! kernel says who asks ([`listen()`]), or in the process that owns the state, without any socket. The
//! [`Client`] hides which; it uses the very types that the operation declares.
//!
//! Schedules and notices are those of `windlass-duty`, reports and evidence those of
//! `windlass-evidence`. Events of runs become server-sent events (`stream/`), numbers at `/metrics`
//! and, when a run is over, traces (`trace`).

mod audit;
mod client;
mod config;
mod desk;
mod exit;
mod gate;
mod guard;
mod keyed;
mod library;
mod listen;
mod metrics;
mod openapi;
mod operation;
pub mod operations;
pub mod people;
mod problem;
mod refusal;
mod role;
mod router;
mod seats;
mod secret_value;
mod serve;
mod stream;
mod table;
mod token;
pub mod trace;
mod which;

pub use audit::{Actor, Audit, Begun, Entry, Retention};
pub use client::{Client, Followed, Following, Reading, is_answering};
pub use config::{Config, ConfigError, Listen, NoAddress};
pub use desk::Desk;
pub use exit::Exit;
pub use guard::Peer;
pub use library::Library;
pub use listen::{AtSocket, TlsError, listen};
pub use openapi::document;
pub use operation::{Answer, Call, Endpoint, Method, Operation};
pub use problem::{Hint, Kind as ProblemKind, Problem, elsewhere};
pub use role::{Need, NoSuchRole, Role};
pub use secret_value::SecretValue;
pub use serve::{Bound, ServeError, serve};
pub use stream::{Ending, From};
pub use table::table;
pub use token::{NewToken, Refused, Token, TokenError, Tokens};
pub use which::{LATEST, Meant, ONLY};
