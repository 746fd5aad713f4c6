//! `/events`: what has happened since, and then what happens, until the client or `until` ends it.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::query::{Filters, Query};
use crate::simulated::model::Model;
use crate::simulated::model::events::{Event, Kind, Told};
use crate::simulated::model::refusal::Refusal;

/// A stream of events that is open.
#[derive(Debug)]
pub(crate) struct Listening {
    filters: Filters,
    until: Option<i64>,
    past: std::vec::IntoIter<Arc<Event>>,
    /// None if the time is over already.
    coming: Option<UnboundedReceiver<Told>>,
}

/// What comes next in a stream.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Line(Bytes),
    /// As far as was asked for.
    End,
    /// The daemon is gone.
    Broken,
}

/// Begins to listen.
pub(crate) fn listen(model: &mut Model, query: &Query) -> Result<Listening, Refusal> {
    let filters = query.filters(&[])?;
    let (since, until) = (bound(query, "since")?, bound(query, "until")?);
    if let (Some(from), Some(to)) = (since, until)
        && from > to
    {
        let (from, to) = (from.div_euclid(1_000), to.div_euclid(1_000));
        return Err(Refusal::bad(format!(
            "`since` time ({from}) cannot be after `until` time ({to})"
        )));
    }
    let in_time = |event: &&Arc<Event>| {
        since.is_some_and(|since| event.at >= since) && until.is_none_or(|until| event.at <= until)
    };
    let past: Vec<Arc<Event>> = model.bus.past.iter().filter(in_time).cloned().collect();
    let over = until.is_some_and(|until| until <= model.now);
    let coming = (!over).then(|| {
        let (sender, receiver) = unbounded_channel();
        model.bus.listen(sender);
        receiver
    });
    Ok(Listening { filters, until, past: past.into_iter(), coming })
}

impl Listening {
    pub(crate) async fn next(&mut self) -> Next {
        for event in self.past.by_ref() {
            if fits(&self.filters, &event) {
                return Next::Line(event.line().into());
            }
        }
        let Some(coming) = &mut self.coming else { return Next::End };
        loop {
            let told = match coming.recv().await {
                None => return Next::Broken,
                Some(told) => told,
            };
            let over = |at: i64| self.until.is_some_and(|until| at > until);
            match told {
                Told::Event(event) if over(event.at) => return Next::End,
                Told::Time(at) if over(at) => return Next::End,
                Told::Event(event) if fits(&self.filters, &event) => {
                    return Next::Line(event.line().into());
                }
                _ => {}
            }
        }
    }
}

fn fits(filters: &Filters, event: &Event) -> bool {
    let object = |kind: Kind| {
        let wanted = filters.values(kind.word());
        wanted.is_empty()
            || (event.kind == kind
                && wanted.iter().any(|one| one == event.id.as_str() || *one == event.name))
    };
    let kinds = [Kind::Service, Kind::Node, Kind::Secret, Kind::Config, Kind::Network];
    // Of containers and the like there are no events here.
    let others = ["container", "image", "volume", "plugin", "daemon", "label"];
    filters.is("type", event.kind.word())
        && filters.is("event", event.action.word())
        && filters.is("scope", "swarm")
        && kinds.into_iter().all(object)
        && others.iter().all(|key| filters.values(key).is_empty())
}

/// Reads one end of the time that is asked for; the daemon takes seconds and nothing else.
fn bound(query: &Query, key: &str) -> Result<Option<i64>, Refusal> {
    let text = query.get(key);
    if text.is_empty() {
        return Ok(None);
    }
    let odd = |part: &str| {
        Refusal::new(500, format!("strconv.ParseInt: parsing {part:?}: invalid syntax"))
    };
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let whole: i64 = seconds.parse().map_err(|_| odd(seconds))?;
    fraction.parse::<i64>().map_err(|_| odd(fraction))?;
    let thousandths: String = fraction.chars().chain("000".chars()).take(3).collect();
    Ok(Some(whole * 1_000 + thousandths.parse::<i64>().unwrap_or(0)))
}

/// Returns milliseconds since the epoch from seconds (with a fraction) or RFC 3339.
pub(crate) fn moment(text: &str) -> Option<i64> {
    if text.is_empty() || text == "0" {
        return None;
    }
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Some(at.as_millisecond());
    }
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let thousandths: String = fraction.chars().chain("000".chars()).take(3).collect();
    Some(seconds.parse::<i64>().ok()? * 1_000 + thousandths.parse::<i64>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_in_seconds_or_as_dates() {
        assert_eq!(moment("1700000000"), Some(1_700_000_000_000));
        assert_eq!(moment("1700000000.123456789"), Some(1_700_000_000_123));
        assert_eq!(moment("2026-01-01T00:00:00Z"), Some(1_767_225_600_000));
        assert_eq!(moment(""), None);
        assert_eq!(moment("yesterday"), None);
    }
}
