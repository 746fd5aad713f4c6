//! What the book says about schedules and notices is so.

use std::fs;
use std::path::PathBuf;

use serde::Deserialize;
use windlass_duty::notice;
use windlass_duty::schedule::{self, upcoming};

use crate::rig::at;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    schedule: Vec<schedule::Config>,
    #[serde(default)]
    notice: Vec<notice::Config>,
}

fn page(name: &str) -> String {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(root.join("../book/src").join(name)).unwrap()
}

#[test]
fn the_configurations_in_the_book_are_understood() {
    let (mut schedules, mut notices) = (0, 0);
    for name in ["schedules.md", "notices.md"] {
        for block in page(name).split("```toml\n").skip(1) {
            let file: File = toml::from_str(block.split("```").next().unwrap()).unwrap();
            schedules += file.schedule.len();
            notices += file.notice.len();
        }
    }
    assert!(schedules >= 1 && notices >= 3, "{schedules} schedules, {notices} notices");
}

/// The table of the two nights: from 00:50 in the zone until 04:45 in the morning.
#[test]
fn the_table_of_the_two_nights_is_what_the_program_does() {
    let text = page("schedules.md");
    let (_, table) = text.split_once("| the night to |").unwrap();
    let rows: Vec<&str> = table.lines().skip(2).take_while(|row| row.starts_with('|')).collect();
    assert!(rows.len() >= 12, "only {} rows", rows.len());
    for row in rows {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [_, expression, zone, date, expected, _] = cells[..] else { panic!("{row}") };
        let expression = expression.trim_matches('`').parse().unwrap();
        let (zone, in_zone) = (zone.parse().unwrap(), jiff::tz::TimeZone::get(zone).unwrap());
        // Noon before is the same day everywhere in the table.
        let noon = at(&format!("{date}T12:00:00Z")) - 24 * 3_600_000;
        let hours = jiff::civil::time(0, 50, 0, 0)..jiff::civil::time(4, 45, 0, 0);
        let night = upcoming(&expression, &zone, noon)
            .map(|at| jiff::Timestamp::from_millisecond(at).unwrap().to_zoned(in_zone.clone()))
            .take_while(|at| at.date().to_string().as_str() <= date)
            .filter(|at| at.date().to_string() == date && hours.contains(&at.time()));
        let shown: Vec<String> =
            night.map(|at| at.strftime("%H:%M%:z").to_string()[..8].to_owned()).collect();
        let shown = shown.join(" ");
        assert_eq!(shown, expected, "{row}");
    }
}
