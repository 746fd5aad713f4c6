//! When a schedule comes: a cron expression read in a time zone.
//!
//! Cron speaks of the clock on the wall, and twice a year that clock skips or repeats an hour.
//! These are the rules, the same as those of the cron daemons that people come from:
//!
//! | minute and hour fields | hour that does not exist | hour that comes twice |
//! |---|---|---|
//! | no `*` in them: times of day, such as `30 2` or `0 1,2,3` | runs once, at the first moment after it | runs once, the first time |
//! | a `*` in one of them: an interval, such as `*/15 *` or `0 *` | those times are not there | runs both times: what counts is real time |
//!
//! The search over dates is croner's. Which instant a time on the wall means is decided here for
//! times of day, because croner takes `0 1,2,3` for an interval.

use std::str::FromStr;

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, Zoned};
use serde::{Deserialize, Serialize};
use windlass_engine::clock::Millis;

/// A cron expression of five fields, or a nickname such as `@daily`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Expression {
    text: String,
    cron: Cron,
    interval: bool,
}

impl FromStr for Expression {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = |why: &str| {
            format!("`{text}` is not a cron expression of five fields, such as `30 2 * * *`: {why}")
        };
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed);
        let cron = parser.build().parse(text).map_err(|e| bad(&e.to_string()))?;
        // February 30th can be written and never comes.
        let anchor = DateTime::constant(2000, 1, 1, 0, 0, 0, 0);
        cron.find_next_occurrence(&anchor, true).map_err(|_| bad("that never comes"))?;
        let interval = match text.trim().strip_prefix('@') {
            Some(nickname) => nickname.eq_ignore_ascii_case("hourly"),
            None => text.split_whitespace().take(2).any(|field| field.contains('*')),
        };
        Ok(Expression { text: text.to_owned(), cron, interval })
    }
}

impl TryFrom<String> for Expression {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Expression> for String {
    fn from(expression: Expression) -> String {
        expression.text
    }
}

impl std::fmt::Display for Expression {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.text)
    }
}

/// A time zone of the IANA database, such as `Europe/Berlin`, or `UTC`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone {
    name: String,
    zone: TimeZone,
}

impl Zone {
    /// Returns a moment as people in this zone read it: `2027-03-28 03:00 +02:00`.
    pub fn show(&self, at: Millis) -> String {
        match zoned(at, &self.zone) {
            Some(at) => at.strftime("%Y-%m-%d %H:%M %:z").to_string(),
            None => format!("{at} ms"),
        }
    }

    /// Returns the moment at which a day begins here.
    ///
    /// # Errors
    /// If the text is no date.
    pub fn midnight(&self, date: &str) -> Result<Millis, String> {
        let no_date = |e: jiff::Error| format!("`{date}` is not a date such as 2027-03-28: {e}");
        let date: jiff::civil::Date = date.parse().map_err(no_date)?;
        let midnight = date.to_zoned(self.zone.clone()).map_err(no_date)?;
        Ok(midnight.timestamp().as_millisecond())
    }
}

impl FromStr for Zone {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        // An offset such as `+02:00` is none: it would be right for half of the year.
        let zone = TimeZone::get(name)
            .map_err(|_| format!("`{name}` is not a time zone such as Europe/Berlin or UTC"))?;
        let name = zone.iana_name().map_or_else(|| name.to_owned(), str::to_owned);
        Ok(Zone { name, zone })
    }
}

impl TryFrom<String> for Zone {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        name.parse()
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> String {
        zone.name
    }
}

impl std::fmt::Display for Zone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.name)
    }
}

/// Returns the first time after `after` at which the expression comes in the zone; none, if that is
/// beyond the calendar.
pub fn next(expression: &Expression, zone: &Zone, after: Millis) -> Option<Millis> {
    let start = zoned(after, &zone.zone)?;
    if expression.interval {
        let next = expression.cron.find_next_occurrence(&start, false).ok()?;
        return Some(next.timestamp().as_millisecond());
    }
    // Instants never fall as the wall's times rise, so the first one that is later is the next.
    let mut wall = start.datetime();
    let mut inclusive = true;
    loop {
        wall = expression.cron.find_next_occurrence(&wall, inclusive).ok()?;
        inclusive = false;
        let at = instant(wall, &zone.zone)?;
        if at > after {
            return Some(at);
        }
    }
}

/// Returns the times at which the expression comes, from `after` on.
pub fn upcoming(
    expression: &Expression,
    zone: &Zone,
    after: Millis,
) -> impl Iterator<Item = Millis> {
    std::iter::successors(next(expression, zone, after), |last| next(expression, zone, *last))
}

/// Returns the moment that a time of day on the wall means.
fn instant(wall: DateTime, zone: &TimeZone) -> Option<Millis> {
    let ambiguous = zone.to_ambiguous_timestamp(wall);
    let at = match ambiguous.offset() {
        AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => {
            ambiguous.earlier().ok()?
        }
        AmbiguousOffset::Gap { after, .. } => {
            // Read with the later offset, a time that is skipped lies before the skip.
            let before = after.to_timestamp(wall).ok()?;
            zone.following(before).next()?.timestamp()
        }
    };
    Some(at.as_millisecond())
}

fn zoned(at: Millis, zone: &TimeZone) -> Option<Zoned> {
    Some(Timestamp::from_millisecond(at).ok()?.to_zoned(zone.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_expression_or_no_zone_says_what_was_expected() {
        for text in ["", "* * * *", "0 30 2 * * *", "61 * * * *", "0 0 30 2 *", "@reboot"] {
            let error = text.parse::<Expression>().unwrap_err();
            assert!(error.contains("such as `30 2 * * *`"), "{text}: {error}");
        }
        for name in ["Europe/Nowhere", "", "+02:00"] {
            let error = name.parse::<Zone>().unwrap_err();
            assert!(error.contains("such as Europe/Berlin"), "{name}: {error}");
        }
    }

    #[test]
    fn an_expression_and_a_zone_read_back_what_they_print() {
        let expression: Expression = "*/15 8-17 * * MON-FRI".parse().unwrap();
        assert_eq!(String::from(expression), "*/15 8-17 * * MON-FRI");
        let zone: Zone = "europe/berlin".parse().unwrap();
        assert_eq!(zone.to_string(), "Europe/Berlin");
    }
}
