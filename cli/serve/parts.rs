//! The parts of a daemon that begin with it and end with it.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use windlass_desk::{Audit, Bound, Desk, Listen, Retention, ServeError, TlsError, serve};
use windlass_duty::publish::{self, PublishTo, Publisher, Publishing, Syslog};
use windlass_duty::{Duty, DutyError, Options};
use windlass_engine::engine::Engine;

use crate::config::Config;
use crate::exit::Exit;
use crate::problem::Problem;
use crate::serve::heads::Webhook;
use crate::serve::shelf::Shelf;
use crate::show;
use crate::show::style::yellow;
use crate::supplies::Files;

/// The parts, at work.
pub struct Parts {
    duty: Duty,
    publishing: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
    console: Option<Bound>,
    housekeeping: JoinHandle<()>,
}

/// How often it is looked whether entries of the audit are too old.
const AUDIT_EVERY: Duration = Duration::from_secs(3600);

impl Parts {
    /// Begins: schedules come, notices and heads of journals go out, requests are answered.
    pub async fn begin(
        desk: &Desk,
        config: Config,
        unready: watch::Receiver<Option<String>>,
    ) -> Result<Self, Problem> {
        let engine = desk.engine();
        let housekeeping = keep_audit(engine, config.audit)?;
        let publishing = publish(engine, &config.evidence).await?;
        let duty = Duty::start(Options {
            engine: engine.clone(),
            supplies: Arc::new(Files),
            schedules: config.schedule,
            notices: config.notice,
        });
        let duty = duty.await?;
        let console = answer(desk, config.console, unready).await?;
        Ok(Parts { duty, publishing, console, housekeeping })
    }

    /// Ends: nothing is begun or sent any more when this returns.
    pub async fn end(self) {
        if let Some(console) = self.console {
            console.close().await;
        }
        self.duty.stop().await;
        self.housekeeping.abort();
        if let Some((stop, publishing)) = self.publishing {
            let _ = stop.send(());
            if let Err(error) = publishing.await {
                tracing::error!(%error, "publishing failed");
            }
        }
    }
}

/// Removes entries of the audit that are too old or too many: now, and again and again.
fn keep_audit(engine: &Engine, retention: Retention) -> Result<JoinHandle<()>, Problem> {
    let audit = Audit::of(engine)?;
    audit.keep(retention)?;
    let mut hours = tokio::time::interval(AUDIT_EVERY);
    Ok(tokio::spawn(async move {
        loop {
            hours.tick().await;
            let audit = audit.clone();
            match tokio::task::spawn_blocking(move || audit.prune()).await {
                Ok(Ok(0)) => {}
                Ok(Ok(gone)) => tracing::info!(gone, "old entries of the audit are removed"),
                Ok(Err(error)) => tracing::error!(%error, "the audit can't be pruned"),
                Err(error) => tracing::error!(%error, "pruning the audit failed"),
            }
        }
    }))
}

async fn publish(
    engine: &Engine,
    config: &windlass_duty::publish::Config,
) -> Result<Option<(oneshot::Sender<()>, JoinHandle<()>)>, Problem> {
    let publisher: Arc<dyn Publisher> = match &config.publish {
        None => {
            publish::end(engine)?;
            return Ok(None);
        }
        Some(PublishTo::Syslog) => Arc::new(Syslog::at(config.syslog.clone())),
        Some(PublishTo::Webhook(url)) => Arc::new(Webhook(url.clone())),
    };
    let begun = Publishing::begin(engine.clone(), publisher).await;
    let publishing = begun.map_err(|error| Problem::bug(error.to_string()))?;
    let (stop, stopped) = oneshot::channel();
    let stopped = async {
        // An error means that whoever could stop us is gone.
        let _ = stopped.await;
    };
    let task = tokio::spawn(publishing.keep_on(config.every.0, stopped));
    Ok(Some((stop, task)))
}

/// Begins to answer over HTTP. An address that nobody asked for and that something else has is no
/// reason to stay away: runs need no HTTP.
async fn answer(
    desk: &Desk,
    config: windlass_desk::Config,
    unready: watch::Receiver<Option<String>>,
) -> Result<Option<Bound>, Problem> {
    let scheme = if config.tls_cert.is_some() { "https" } else { "http" };
    let usual = config.listen == Listen::Usual;
    let shelf = Arc::new(Shelf { directory: config.runbooks.clone() });
    match serve(&desk.with_library(shelf), config, unready).await {
        Ok(bound) => {
            let address = bound.as_ref().map(Bound::address);
            let says = address.map(|address| format!("answers at {scheme}://{address}/api/v1"));
            says.iter().for_each(|says| show::note(says));
            Ok(bound)
        }
        Err(ServeError::Listen { address, error })
            if usual && error.kind() == ErrorKind::AddrInUse =>
        {
            show::note(&format!(
                "{} {address} is in use, so there is no HTTP interface; `--listen` names another \
                 address, or `off`",
                yellow("note:")
            ));
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

impl From<ServeError> for Problem {
    fn from(error: ServeError) -> Self {
        let text = error.to_string();
        match error {
            ServeError::Config(_) => Problem::new("WL0021", Exit::Usage, text),
            ServeError::Listen { .. } => Problem::new("WL0049", Exit::OutOfReach, text).hint(
                "`ss -ltnp` shows who listens there; `--listen` or `[console] listen` names another address.",
            ),
            ServeError::Tls(TlsError::Exposed(_)) => Problem::new("WL0049", Exit::OutOfReach, text)
                .hint("Its group may read it, nobody else. If others had it, renew the certificate."),
            ServeError::Tls(_) => Problem::new("WL0049", Exit::OutOfReach, text).hint(
                "`tls_cert` and `tls_key` of `[console]` name PEM files that this user can read.",
            ),
            ServeError::Machine(_) => Problem::bug(text),
        }
    }
}

impl From<DutyError> for Problem {
    fn from(error: DutyError) -> Self {
        let text = error.to_string();
        match error {
            DutyError::Book(error) => error.into(),
            DutyError::Outbox(error) => error.into(),
            DutyError::Watch(_) => Problem::new("WL0011", Exit::OutOfReach, text),
            DutyError::Twice(_) => Problem::new("WL0021", Exit::Usage, text),
            DutyError::Exposed(..) => Problem::new("WL0021", Exit::Usage, text)
                .hint("Its group may read it, nobody else. If others had it, change it."),
        }
    }
}
