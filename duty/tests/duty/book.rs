//! Schedules of the file and schedules by command.

use windlass_duty::schedule::{BookError, Config, Origin};
use windlass_engine::clock::Clock;

use crate::rig::{Rig, at};

fn config(name: &str, cron: &str) -> Config {
    toml::from_str(&format!("name = '{name}'\nrunbook = 'pass'\ncron = '{cron}'\nzone = 'UTC'\n"))
        .unwrap()
}

#[tokio::test]
async fn the_file_adds_changes_and_removes_its_own_schedules_only() {
    let rig = Rig::new();
    let now = rig.clock.now();
    rig.book.add(config("mine", "0 1 * * *"), Origin::Command, now).unwrap();
    rig.book.follow_file(&[config("a", "0 1 * * *"), config("b", "0 1 * * *")], now).unwrap();
    assert_eq!(rig.book.names().unwrap(), ["a", "b", "mine"]);

    let later = now + 1000;
    rig.book.follow_file(&[config("b", "0 2 * * *")], later).unwrap();
    assert_eq!(rig.book.names().unwrap(), ["b", "mine"]);
    let kept = rig.book.get("b").unwrap();
    assert_eq!(kept.config.cron.to_string(), "0 2 * * *");
    assert_eq!(kept.standing.through, later, "times of the new words in the past are not missed");
    assert_eq!(kept.standing.since, now, "how long it has been watched is not forgotten");

    let error = rig.book.follow_file(&[config("mine", "0 2 * * *")], later).unwrap_err();
    assert!(matches!(error, BookError::Taken(name) if name == "mine"));
}

#[tokio::test]
async fn a_schedule_of_the_file_can_be_paused_but_not_removed_by_command() {
    let rig = Rig::new();
    rig.book.follow_file(&[config("a", "0 1 * * *")], rig.clock.now()).unwrap();
    assert!(matches!(rig.book.remove("a"), Err(BookError::InFile(_))));
    rig.book.pause("a", Some("why not"), rig.clock.now()).unwrap();
    rig.book.follow_file(&[config("a", "0 1 * * *")], rig.clock.now()).unwrap();
    assert!(rig.book.get("a").unwrap().is_paused(), "a restart does not forget it");
    rig.book.pause("a", None, rig.clock.now()).unwrap();
    assert!(!rig.book.get("a").unwrap().is_paused());
}

#[tokio::test]
async fn names_are_taken_once_and_a_removed_one_leaves_nothing() {
    let rig = Rig::new();
    rig.world.open("gate");
    rig.schedule("");
    let again = rig.book.add(config("s", "0 1 * * *"), Origin::Command, 0);
    assert!(matches!(again, Err(BookError::Taken(_))));
    rig.look_at("01:00:00").await;
    rig.engine.idle().await;
    rig.book.remove("s").unwrap();
    assert!(matches!(rig.book.get("s"), Err(BookError::NoSuchSchedule(_))));
    assert!(matches!(rig.book.remove("s"), Err(BookError::NoSuchSchedule(_))));
    assert!(rig.book.occurrences("s").unwrap().is_empty());
    assert_eq!(rig.runs().len(), 1, "its runs stay");
}

#[tokio::test]
async fn a_schedule_that_can_not_be_read_is_named_and_can_be_removed() {
    let rig = Rig::new();
    rig.world.open("gate");
    rig.schedule("");
    rig.engine.store().put_value("schedule/odd", b"{}").unwrap();
    let error = rig.book.all().unwrap_err();
    assert!(error.to_string().contains("`odd`"), "{error}");
    rig.clock.set(at("2026-11-21T01:00:00Z"));
    rig.look().await;
    assert_eq!(rig.started(), ["01:00"], "the others go on");
    rig.book.remove("odd").unwrap();
    rig.book.all().unwrap();
}
