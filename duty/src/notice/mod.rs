//! Notices: telling people who don't look.
//!
//! ```text
//! journal -> Watch  \
//!                    > Notice -> Outbox (kept in the store) -> Courier -> webhook, Slack, mail
//! schedule -> Ticker /
//! ```
//!
//! At least once, and once by key: a notice is durable before it is sent, and leaves the outbox
//! when its receiver has taken it. Every receiver has a courier of its own, so that one that is
//! down holds up neither the others nor a run.

mod backoff;
mod config;
mod courier;
mod http;
mod mail;
mod message;
mod outbox;
mod send;
mod slack;
mod trust;
mod watch;
mod webhook;

pub use config::{Address, Config, Mail, Mailbox, Slack, Tls, Webhook};
pub use courier::Courier;
pub use message::{Kind, Notice};
pub use outbox::{Delivery, GIVE_UP_AFTER_MS, Outbox, OutboxError};
pub use send::{Refusal, Trouble, post, send};
pub use watch::{Watch, WatchError, may_matter};
