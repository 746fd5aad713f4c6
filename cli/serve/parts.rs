//! The parts of a daemon that begin with it and end with it.

use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use windlass_duty::{Duty, DutyError, Options};
use windlass_engine::engine::Engine;
use windlass_evidence::PublishTo;
use windlass_evidence::publish::{self, Publisher, Publishing, Syslog};

use crate::config::Config;
use crate::exit::Exit;
use crate::problem::Problem;
use crate::serve::heads::Webhook;
use crate::supplies::Files;

/// The parts, at work.
pub struct Parts {
    duty: Duty,
    publishing: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

impl Parts {
    /// Begins: schedules come, notices and heads of journals go out.
    pub async fn begin(engine: &Engine, config: Config) -> Result<Self, Problem> {
        let publishing = publish(engine, &config.evidence).await?;
        let duty = Duty::start(Options {
            engine: engine.clone(),
            supplies: Arc::new(Files),
            schedules: config.schedule,
            notices: config.notice,
        });
        Ok(Parts { duty: duty.await?, publishing })
    }

    /// Ends: nothing is begun or sent any more when this returns.
    pub async fn end(self) {
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
