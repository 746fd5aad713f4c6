//! Reading the events of a run that was set going.

use axum::body::Body;
use http_body_util::BodyExt;
use windlass_engine::event::{Event, RunView};

use super::{another_version, broken_off};
use crate::problem::Problem;
use crate::stream::{Ending, PROBLEM, RUN, STOPPED};

/// What happens in a run, as it is told.
#[derive(Debug)]
pub enum Followed {
    /// The run as it stands; this comes first.
    Run(Box<RunView>),
    /// Something happened.
    Event(Box<Event>),
    /// It stopped, for now or for good; this comes last.
    Stopped(Box<Ending>),
}

/// The events of a run, from when it was set going until it stops.
pub struct Following {
    body: Body,
    /// What has come, and has not been told yet.
    text: Vec<u8>,
}

impl Following {
    pub(super) fn of(body: Body) -> Self {
        Following { body, text: Vec::new() }
    }

    /// Returns what happens next.
    ///
    /// # Errors
    /// If the run can't be followed any more: the process that drives it has ended, for one.
    pub async fn next(&mut self) -> Result<Followed, Problem> {
        loop {
            if let Some(event) = self.take() {
                match understand(&event)? {
                    Some(followed) => return Ok(followed),
                    None => continue,
                }
            }
            let frame = self.body.frame().await.ok_or_else(|| broken_off("the end"))?;
            let frame = frame.map_err(|error| broken_off(&error.to_string()))?;
            self.text.extend(frame.into_data().unwrap_or_default());
        }
    }

    /// Takes the text of one event off.
    fn take(&mut self) -> Option<String> {
        let end = self.text.windows(2).position(|two| two == b"\n\n")?;
        let event: Vec<u8> = self.text.drain(..end + 2).collect();
        Some(String::from_utf8_lossy(&event).into_owned())
    }
}

/// Returns what an event tells; nothing, if it only keeps the line alive.
fn understand(text: &str) -> Result<Option<Followed>, Problem> {
    let field = |name: &str| {
        let mut lines = text.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        lines.next().map(|text| text.trim_start().to_owned())
    };
    let Some(data) = field("data") else { return Ok(None) };
    let followed = match field("event").as_deref() {
        Some(RUN) => serde_json::from_str(&data).map(Followed::Run),
        Some(STOPPED) => serde_json::from_str(&data).map(Followed::Stopped),
        Some(PROBLEM) => {
            return Err(Problem::read(data.as_bytes()).unwrap_or_else(|| another_version(&data)));
        }
        Some(_) => return Ok(None),
        None => serde_json::from_str(&data).map(Followed::Event),
    };
    followed.map(Some).map_err(|error| another_version(&error.to_string()))
}
