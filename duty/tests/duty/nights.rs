//! The two nights of the year in which the clock on the wall jumps, in three zones.
//!
//! How: a table of what people expect, and a search by brute force that walks over every minute
//! and shares nothing with the code under test but the words.

use windlass_duty::schedule::{Expression, Zone, upcoming};
use windlass_engine::clock::Millis;

use crate::rig::at;

struct Night {
    zone: &'static str,
    from: &'static str,
    until: &'static str,
    rows: &'static [(&'static str, &'static str)],
}

/// Berlin skips 02:00-03:00 and repeats 02:00-03:00; New York skips 02:00-03:00 and repeats
/// 01:00-02:00; Lord Howe Island moves by half an hour: it skips 02:00-02:30 and repeats
/// 01:30-02:00.
const NIGHTS: [Night; 6] = [
    Night {
        zone: "Europe/Berlin",
        from: "2027-03-27T23:30:00Z",
        until: "2027-03-28T02:30:00Z",
        rows: &[
            ("30 1 * * *", "01:30+01"),
            ("30 2 * * *", "03:00+02"),
            ("0 2 * * *", "03:00+02"),
            ("0,30 2 * * *", "03:00+02"),
            ("0 1,2,3 * * *", "01:00+01 03:00+02"),
            ("0 3 * * *", "03:00+02"),
            ("15 3 * * *", "03:15+02"),
            ("*/30 * * * *", "01:00+01 01:30+01 03:00+02 03:30+02 04:00+02 04:30+02"),
            ("0 * * * *", "01:00+01 03:00+02 04:00+02"),
            ("@hourly", "01:00+01 03:00+02 04:00+02"),
            ("*/20 2 * * *", ""),
        ],
    },
    Night {
        zone: "Europe/Berlin",
        from: "2027-10-30T23:30:00Z",
        until: "2027-10-31T02:30:00Z",
        rows: &[
            ("30 2 * * *", "02:30+02"),
            ("0 3 * * *", "03:00+01"),
            ("0,30 2 * * *", "02:00+02 02:30+02"),
            ("0 2,3 * * *", "02:00+02 03:00+01"),
            ("*/30 * * * *", "02:00+02 02:30+02 02:00+01 02:30+01 03:00+01 03:30+01"),
            ("30 * * * *", "02:30+02 02:30+01 03:30+01"),
            ("*/30 2 * * *", "02:00+02 02:30+02 02:00+01 02:30+01"),
        ],
    },
    Night {
        zone: "America/New_York",
        from: "2027-03-14T05:30:00Z",
        until: "2027-03-14T08:30:00Z",
        rows: &[
            ("30 2 * * *", "03:00-04"),
            ("30 2 14 3 *", "03:00-04"),
            ("59 1 * * *", "01:59-05"),
            ("*/30 * * * *", "01:00-05 01:30-05 03:00-04 03:30-04 04:00-04 04:30-04"),
        ],
    },
    Night {
        zone: "America/New_York",
        from: "2027-11-07T04:30:00Z",
        until: "2027-11-07T07:30:00Z",
        rows: &[
            ("30 1 * * *", "01:30-04"),
            ("30 1,2 * * *", "01:30-04 02:30-05"),
            ("0 * * * *", "01:00-04 01:00-05 02:00-05"),
        ],
    },
    Night {
        zone: "Australia/Lord_Howe",
        from: "2027-10-02T14:45:00Z",
        until: "2027-10-02T16:45:00Z",
        rows: &[
            ("15 2 * * *", "02:30+11"),
            ("45 2 * * *", "02:45+11"),
            ("0 2 * * *", "02:30+11"),
            (
                "*/15 * * * *",
                "01:30+10 01:45+10 02:30+11 02:45+11 03:00+11 03:15+11 03:30+11 03:45+11",
            ),
        ],
    },
    Night {
        zone: "Australia/Lord_Howe",
        from: "2027-04-03T14:15:00Z",
        until: "2027-04-03T16:00:00Z",
        rows: &[
            ("45 1 * * *", "01:45+11"),
            ("30 1 * * *", "01:30+11"),
            ("*/15 * * * *", "01:30+11 01:45+11 01:30+10 01:45+10 02:00+10 02:15+10 02:30+10"),
        ],
    },
];

/// The times in `(from, until]`, as `02:30+02` and Lord Howe's half hours cut off.
fn shown(expression: &str, night: &Night) -> String {
    let (expression, zone) = parsed(expression, night.zone);
    let zone_of_jiff = jiff::tz::TimeZone::get(night.zone).unwrap();
    let times = upcoming(&expression, &zone, at(night.from));
    let shown = times.take_while(|time| *time <= at(night.until)).map(|time| {
        let time = jiff::Timestamp::from_millisecond(time).unwrap().to_zoned(zone_of_jiff.clone());
        let text = time.strftime("%H:%M%:z").to_string();
        text[..8].to_owned()
    });
    shown.collect::<Vec<_>>().join(" ")
}

fn parsed(expression: &str, zone: &str) -> (Expression, Zone) {
    (expression.parse().unwrap(), zone.parse().unwrap())
}

#[test]
fn schedules_over_both_nights_in_three_zones() {
    for night in &NIGHTS {
        for (expression, expected) in night.rows {
            let got = shown(expression, night);
            assert_eq!(got, *expected, "`{expression}` in {} after {}", night.zone, night.from);
        }
    }
}

/// The fields of an expression that the brute force understands: minutes and hours, `*`, `*/n`,
/// lists.
fn comes(field: &str, value: i8) -> bool {
    field.split(',').any(|part| match part.strip_prefix("*/") {
        Some(step) => value % step.parse::<i8>().unwrap() == 0,
        None => part == "*" || part.parse() == Ok(value),
    })
}

/// Every minute of real time is looked at: an interval comes when the wall shows its time. A time
/// of day comes at the first minute at which the wall shows its time or, if it never does on that
/// day, a later one.
fn by_brute_force(expression: &str, zone: &str, from: Millis, until: Millis) -> Vec<Millis> {
    let zone = jiff::tz::TimeZone::get(zone).unwrap();
    let wall = |at: Millis| {
        jiff::Timestamp::from_millisecond(at).unwrap().to_zoned(zone.clone()).datetime()
    };
    let (minutes, hours) = expression.split_once(' ').unwrap();
    let fields = (minutes, hours.split(' ').next().unwrap());
    let matches = |time: jiff::civil::DateTime| {
        comes(fields.0, time.minute()) && comes(fields.1, time.hour())
    };
    let minute = 60_000;
    if fields.0.contains('*') || fields.1.contains('*') {
        let all = (from / minute + 1..=until / minute).map(|n| n * minute);
        return all.filter(|at| matches(wall(*at))).collect();
    }
    // Each time of day once, at the first minute at which the wall has come to it or past it. The
    // walk begins a day earlier, so that a repeated hour is known to be one.
    let mut found = Vec::new();
    let start = from - 24 * 60 * minute;
    let mut highest = wall(start);
    for at in (start / minute + 1..=until / minute).map(|n| n * minute) {
        let now = wall(at);
        let mut passed = false;
        while highest < now {
            highest = highest.checked_add(jiff::Span::new().minutes(1)).unwrap();
            passed |= matches(highest);
        }
        if passed && at > from {
            found.push(at);
        }
    }
    found
}

#[test]
fn random_schedules_over_all_nights_are_what_a_walk_over_every_minute_finds() {
    let seed = std::env::var("WINDLASS_SEED").map_or(21, |seed| seed.parse().unwrap());
    let mut random = fastrand::Rng::with_seed(seed);
    let minutes = ["0", "30", "15,45", "0,59", "*/15", "*/20", "*", "1,2,3"];
    let hours = ["2", "1,2,3", "0,2", "*", "*/2", "3", "0", "1"];
    let mut found = 0;
    for night in &NIGHTS {
        for _ in 0..25 {
            let expression = format!(
                "{} {} * * *",
                minutes[random.usize(..minutes.len())],
                hours[random.usize(..hours.len())]
            );
            let from = at(night.from) - random.i64(0..6 * 3_600_000);
            let until = at(night.until) + 6 * 3_600_000;
            let (parsed, zone) = parsed(&expression, night.zone);
            let got: Vec<Millis> =
                upcoming(&parsed, &zone, from).take_while(|at| *at <= until).collect();
            let expected = by_brute_force(&expression, night.zone, from, until);
            assert_eq!(got, expected, "seed {seed}: `{expression}` in {} from {from}", night.zone);
            found += got.len();
        }
    }
    assert!(found > 1_000, "only {found} times were compared");
}
