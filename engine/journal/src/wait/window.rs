//! `window("Sat 02:00-04:00 Europe/Berlin")`: a time of the day or of the week.
//!
//! ```text
//! [DAYS] HH:MM-HH:MM [ZONE]
//! DAYS   daily (the default), a day, days with commas, a range of days: Mon-Fri, Sat,Sun
//! ZONE   an IANA name; UTC if there is none
//! ```
//!
//! A window whose end is not after its beginning ends on the next day. `24:00` is the end of the
//! day. Its days are those on which it opens.
//!
//! When clocks are set forward, a time that does not exist that night is taken as that much later:
//! 02:30 becomes 03:30. When clocks are set back, a time that exists twice is the first of the two.
//! So a window opens once on each of its days, whatever the clocks do. One that both moves and
//! shrinks to nothing does not open that night.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::clock::Millis;

/// A window of time that comes again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    text: String,
    /// From Monday on.
    days: [bool; 7],
    opens: Time,
    closes: Time,
    /// True if `closes` is on the day after.
    overnight: bool,
    zone: String,
}

/// A window can't be understood, or never opens.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadWindow {
    /// The text is not a window.
    #[error("`{0}` is not a window such as \"Sat 02:00-04:00 Europe/Berlin\": {1}")]
    Text(String, String),
    /// The machine does not know the zone.
    #[error("`{0}` is not a time zone that this machine knows; is the package tzdata installed?")]
    Zone(String),
    /// It does not open within two weeks.
    #[error("`{0}` does not open within two weeks")]
    Never(String),
}

/// Days to look at: a week, and a week more in case the clocks swallow a window.
const DAYS_AHEAD: i64 = 15;

impl Window {
    /// Returns when the window that is open at `now`, or the next one, opens and closes.
    ///
    /// # Errors
    /// If the machine does not know the zone, or the window does not open within two weeks.
    pub fn next(&self, now: Millis) -> Result<(Millis, Millis), BadWindow> {
        let zone = TimeZone::get(&self.zone).map_err(|_| BadWindow::Zone(self.zone.clone()))?;
        let never = || BadWindow::Never(self.text.clone());
        let today = Timestamp::from_millisecond(now).map_err(|_| never())?;
        let today = today.to_zoned(zone.clone()).date();
        for ahead in -1..DAYS_AHEAD {
            let Ok(day) = today.checked_add(ahead.days()) else { continue };
            if !self.days[usize::from(day.weekday().to_monday_zero_offset().unsigned_abs())] {
                continue;
            }
            if let Some((opens, closes)) = self.on(day, &zone)
                && opens < closes
                && now < closes
            {
                return Ok((opens, closes));
            }
        }
        Err(never())
    }

    fn on(&self, day: Date, zone: &TimeZone) -> Option<(Millis, Millis)> {
        let last = if self.overnight { day.tomorrow().ok()? } else { day };
        // `compatible`, as RFC 5545 has it: later in a gap, the first in a fold.
        let moment = |at: DateTime| {
            let zoned = zone.to_ambiguous_zoned(at).compatible().ok()?;
            Some(zoned.timestamp().as_millisecond())
        };
        Some((moment(day.to_datetime(self.opens))?, moment(last.to_datetime(self.closes))?))
    }
}

impl FromStr for Window {
    type Err = BadWindow;

    fn from_str(text: &str) -> Result<Self, BadWindow> {
        let bad = |problem: &str| BadWindow::Text(text.to_owned(), problem.to_owned());
        let mut words = text.split_whitespace().peekable();
        let begins_with_time = |word: &&str| word.starts_with(|c: char| c.is_ascii_digit());
        let days = match words.next_if(|word| !begins_with_time(word)) {
            Some(word) => days(word).map_err(|problem| bad(&problem))?,
            None => [true; 7],
        };
        let times = words.next().and_then(|word| word.split_once('-'));
        let (opens, closes) = times.ok_or_else(|| bad("it needs times such as 02:00-04:00"))?;
        let zone = words.next().unwrap_or("UTC").to_owned();
        if words.next().is_some() {
            return Err(bad("there is too much of it"));
        }
        let time = |text: &str| {
            let whole = text.len() == 5;
            let time = whole.then(|| Time::strptime("%H:%M", text).ok()).flatten();
            time.ok_or_else(|| bad(&format!("`{text}` is not a time such as 02:00")))
        };
        let opens = time(opens)?;
        let closes = if closes == "24:00" { Time::midnight() } else { time(closes)? };
        TimeZone::get(&zone).map_err(|_| BadWindow::Zone(zone.clone()))?;
        let overnight = closes <= opens;
        Ok(Window { text: text.to_owned(), days, opens, closes, overnight, zone })
    }
}

fn days(word: &str) -> Result<[bool; 7], String> {
    if word.eq_ignore_ascii_case("daily") {
        return Ok([true; 7]);
    }
    let mut on = [false; 7];
    for part in word.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (day(first)?, day(last)?);
        let mut at = first;
        on[at] = true;
        while at != last {
            at = (at + 1) % 7;
            on[at] = true;
        }
    }
    Ok(on)
}

fn day(word: &str) -> Result<usize, String> {
    const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    debug_assert_eq!(Weekday::Monday.to_monday_zero_offset(), 0);
    let given = word.to_ascii_lowercase();
    DAYS.iter()
        .position(|name| *name == given)
        .ok_or_else(|| format!("`{word}` is not a day: write Mon, Tue, Wed, Thu, Fri, Sat or Sun"))
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for Window {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Window {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Millis {
        text.parse::<Timestamp>().unwrap().as_millisecond()
    }

    fn next(window: &str, now: &str) -> (String, String) {
        let (opens, closes) = window.parse::<Window>().unwrap().next(at(now)).unwrap();
        let text = |at| Timestamp::from_millisecond(at).unwrap().to_string();
        (text(opens), text(closes))
    }

    /// Window, now, opens, closes; 2026-11-21 is a Saturday.
    #[test]
    fn windows_open_when_they_say() {
        let table = [
            (
                "Sat 02:00-04:00 Europe/Berlin",
                "2026-11-20T12:00:00Z",
                "2026-11-21T01:00:00Z",
                "2026-11-21T03:00:00Z",
            ),
            // Open at this moment: it is this one.
            (
                "Sat 02:00-04:00 Europe/Berlin",
                "2026-11-21T02:59:59Z",
                "2026-11-21T01:00:00Z",
                "2026-11-21T03:00:00Z",
            ),
            // Closed a moment ago: it is the next one.
            (
                "Sat 02:00-04:00 Europe/Berlin",
                "2026-11-21T03:00:00Z",
                "2026-11-28T01:00:00Z",
                "2026-11-28T03:00:00Z",
            ),
            (
                "Mon-Fri 09:00-17:00",
                "2026-11-21T12:00:00Z",
                "2026-11-23T09:00:00Z",
                "2026-11-23T17:00:00Z",
            ),
            (
                "Fri-Mon 09:00-17:00",
                "2026-11-21T18:00:00Z",
                "2026-11-22T09:00:00Z",
                "2026-11-22T17:00:00Z",
            ),
            (
                "Sat,Wed 10:00-11:00",
                "2026-11-21T12:00:00Z",
                "2026-11-25T10:00:00Z",
                "2026-11-25T11:00:00Z",
            ),
            // Past midnight, seen from the day after it opened.
            (
                "daily 22:00-04:00",
                "2026-11-21T03:00:00Z",
                "2026-11-20T22:00:00Z",
                "2026-11-21T04:00:00Z",
            ),
            (
                "Fri 22:00-04:00",
                "2026-11-21T03:00:00Z",
                "2026-11-20T22:00:00Z",
                "2026-11-21T04:00:00Z",
            ),
            ("20:00-24:00", "2026-11-21T21:00:00Z", "2026-11-21T20:00:00Z", "2026-11-22T00:00:00Z"),
            // Clocks go forward: 02:30 does not exist, and is 03:30.
            (
                "Sun 02:30-05:00 Europe/Berlin",
                "2026-03-28T12:00:00Z",
                "2026-03-29T01:30:00Z",
                "2026-03-29T03:00:00Z",
            ),
            (
                "daily 02:15-02:45 Europe/Berlin",
                "2026-03-28T12:00:00Z",
                "2026-03-29T01:15:00Z",
                "2026-03-29T01:45:00Z",
            ),
            // It moves past its own end: it does not open that night.
            (
                "daily 02:30-03:15 Europe/Berlin",
                "2026-03-28T12:00:00Z",
                "2026-03-30T00:30:00Z",
                "2026-03-30T01:15:00Z",
            ),
            // Clocks go back: 02:00 comes twice, and it is the first; the window is an hour longer.
            (
                "Sun 02:00-04:00 Europe/Berlin",
                "2026-10-24T12:00:00Z",
                "2026-10-25T00:00:00Z",
                "2026-10-25T03:00:00Z",
            ),
        ];
        for (window, now, opens, closes) in table {
            assert_eq!(next(window, now), (opens.to_owned(), closes.to_owned()), "{window} {now}");
        }
    }

    #[test]
    fn what_is_no_window_says_why() {
        let problem = |text: &str| text.parse::<Window>().unwrap_err().to_string();
        assert!(problem("Caturday 02:00-04:00").contains("Caturday"));
        assert!(problem("Sat").contains("needs times"));
        assert!(problem("Sat 2-4").contains("`2` is not a time"));
        assert!(problem("Sat 02:00-04:00 Mars/Olympus").contains("Mars/Olympus"));
        assert!(problem("Sat 02:00-04:00 UTC now").contains("too much"));
        assert!(problem("25:00-26:00").contains("25:00"));
    }
}
