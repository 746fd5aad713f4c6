//! The parts of a daemon that begin with it and end with it.

use std::io::ErrorKind;
use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use windlass_console::{Bound, Listen, ServeError, serve};
use windlass_duty::{Duty, DutyError, Options};
use windlass_engine::engine::Engine;
use windlass_evidence::PublishTo;
use windlass_evidence::publish::{self, Publisher, Publishing, Syslog};

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
}

impl Parts {
    /// Begins: schedules come, notices and heads of journals go out, requests are answered.
    pub async fn begin(engine: &Engine, config: Config) -> Result<Self, Problem> {
        let publishing = publish(engine, &config.evidence).await?;
        let duty = Duty::start(Options {
            engine: engine.clone(),
            supplies: Arc::new(Files),
            schedules: config.schedule,
            notices: config.notice,
        });
        let duty = duty.await?;
        let console = answer(engine, config.console).await?;
        Ok(Parts { duty, publishing, console })
    }

    /// Ends: nothing is begun or sent any more when this returns.
    pub async fn end(self) {
        if let Some(console) = self.console {
            console.close().await;
        }
        self.duty.stop().await;
        if let Some((stop, publishing)) = self.publishing {
            let _ = stop.send(());
            if let Err(error) = publishing.await {
                tracing::error!(%error, "publishing ended badly");
            }
        }
    }
}

async fn publish(
    engine: &Engine,
    config: &windlass_evidence::Config,
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
    engine: &Engine,
    config: windlass_console::Config,
) -> Result<Option<Bound>, Problem> {
    let scheme = if config.tls_cert.is_some() { "https" } else { "http" };
    let usual = config.listen == Listen::Usual;
    let shelf = Arc::new(Shelf { directory: config.runbooks.clone() });
    match serve(engine.clone(), shelf, config).await {
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
                "{} {address} is taken, so nothing answers over HTTP; `--listen` names another \
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
                "`ss -ltnp` says who listens there; `--listen` or `[console] listen` names another address.",
            ),
            ServeError::Tls(_) => Problem::new("WL0049", Exit::OutOfReach, text).hint(
                "`tls_cert` and `tls_key` of `[console]` name PEM files that this user can read.",
            ),
            ServeError::Store(error) => error.into(),
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
        }
    }
}
