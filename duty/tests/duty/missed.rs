//! A daemon that was not there when a schedule came, and clocks that jump.

use windlass_duty::notice::Kind;
use windlass_duty::schedule::{CATCH_UP_MAX, RECORDED_MAX};

use crate::rig::{Rig, at, somebody};

/// The daemon is down from half past midnight until 03:20: over three times.
async fn down_over_three_times(rule: &str) -> Rig {
    let before = Rig::new();
    before.world.open("gate");
    before.schedule(rule);
    before.look().await;
    let after = before.crash(0);
    after.look_at("03:20:00").await;
    // What is caught up with one after the other needs a look after each.
    for _ in 0..4 {
        after.engine.idle().await;
        after.clock.seconds(1);
        after.look().await;
    }
    after
}

#[tokio::test(flavor = "multi_thread")]
async fn missed_times_are_recorded_and_told_and_not_caught_up_with_if_the_rule_is_skip() {
    let rig = down_over_three_times("missed = 'skip'").await;
    assert_eq!(rig.fates(), ["01:00 missed", "02:00 missed", "03:00 missed"]);
    assert!(rig.started().is_empty());
    let posted = rig.posted();
    assert_eq!(posted.len(), 1);
    assert_eq!(posted[0].kind, Kind::Missed);
    assert_eq!(posted[0].schedule.as_deref(), Some("s"));
    for said in ["schedule s missed 3 times", "01:00", "02:00", "03:00"] {
        assert!(posted[0].text().contains(said), "{}", posted[0].text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_latest_missed_time_is_caught_up_with_if_the_rule_is_one() {
    let rig = down_over_three_times("missed = 'one'").await;
    assert_eq!(rig.fates(), ["01:00 missed", "02:00 missed", "03:00 started Some(Done)"]);
    assert_eq!(rig.started(), ["03:00"]);
    let said = rig.posted()[0].text();
    assert!(said.contains("missed 2 times") && said.contains("starts now: 2026-11-21 03:00"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_missed_time_is_caught_up_with_in_order_if_the_rule_is_all() {
    let rig = down_over_three_times("missed = 'all'").await;
    let done = ["01:00 started Some(Done)", "02:00 started Some(Done)", "03:00 started Some(Done)"];
    assert_eq!(rig.fates(), done);
    assert_eq!(rig.started(), ["01:00", "02:00", "03:00"]);
    assert!(rig.posted().is_empty(), "nothing was missed for good");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_older_than_the_window_is_not_caught_up_with() {
    let rig = down_over_three_times("missed = 'all'\nmissed_window = '90m'").await;
    assert_eq!(rig.started(), ["02:00", "03:00"]);
    assert_eq!(rig.fates()[0], "01:00 missed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_that_is_on_time_stands_for_those_missed_before_it() {
    let rig = Rig::new();
    rig.world.open("gate");
    rig.schedule("missed = 'one'");
    rig.look_at("03:00:20").await;
    rig.engine.idle().await;
    assert_eq!(rig.started(), ["03:00"]);
    assert_eq!(rig.fates()[..2], ["01:00 missed", "02:00 missed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_year_of_missed_minutes_is_one_notice_and_few_records() {
    let rig = Rig::new();
    rig.schedule("missed = 'all'\nmissed_window = '30d'");
    let every_minute = "name = 'm'\nrunbook = 'pass'\ncron = '* * * * *'\nzone = 'Europe/Berlin'\nmissed = 'all'\n";
    let config = toml::from_str(every_minute).unwrap();
    rig.book
        .add(config, windlass_duty::schedule::Origin::Command, at("2026-11-21T00:30:00Z"))
        .unwrap();
    rig.clock.set(at("2027-11-21T00:30:10Z"));
    rig.look().await;
    let minutes = rig.book.get("m").unwrap();
    let waiting = minutes.standing.waiting.len() + minutes.standing.open.len();
    assert_eq!(waiting, CATCH_UP_MAX + 1, "those within the window, and the one on time");
    assert!(rig.book.occurrences("m").unwrap().len() <= RECORDED_MAX + 1);
    let posted = rig.posted();
    assert_eq!(posted.len(), 2, "one for each schedule");
    let told = posted.iter().find(|notice| notice.schedule.as_deref() == Some("m")).unwrap();
    assert!(told.title.contains("missed at least 100"), "{}", told.title);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_set_back_repeats_nothing_and_one_set_forward_misses() {
    let rig = Rig::new();
    rig.world.open("gate");
    rig.schedule("");
    let next = rig.look_at("01:00:01").await;
    assert_eq!(next, Some(at("2026-11-21T02:00:00Z")));
    rig.engine.idle().await;
    rig.look_at("00:10:00").await;
    rig.look_at("01:00:00").await;
    assert_eq!(rig.started(), ["01:00"]);
    rig.look_at("04:30:00").await;
    assert_eq!(rig.started(), ["01:00"]);
    assert_eq!(rig.fates()[1..], ["02:00 missed", "03:00 missed", "04:00 missed"]);
    rig.look_at("05:00:00").await;
    assert_eq!(rig.started(), ["01:00", "05:00"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn jitter_starts_later_by_the_same_amount_whenever_it_is_asked_for() {
    let rig = Rig::new();
    let kept = rig.schedule("jitter = '10m'");
    let planned = at("2026-11-21T01:00:00Z");
    let due = kept.due(planned);
    assert!((planned..planned + 600_000).contains(&due));
    let others: Vec<i64> =
        (0..20).map(|hour| kept.due(planned + hour * 3_600_000) - hour * 3_600_000).collect();
    assert!(others.iter().any(|other| *other != due), "every time by the same amount");

    assert_eq!(rig.look().await, Some(due));
    rig.clock.set(due - 1);
    assert_eq!(rig.look().await, Some(due));
    assert!(rig.started().is_empty());
    let rig = rig.crash(0);
    rig.clock.set(due);
    rig.look().await;
    assert_eq!(rig.started(), ["01:00"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_schedule_misses_nothing_and_goes_on_with_its_next_time() {
    let rig = Rig::new();
    rig.world.open("gate");
    rig.schedule("missed = 'all'");
    rig.book.pause("s", Some("the database moves"), at("2026-11-21T00:31:00Z")).unwrap();
    rig.look_at("03:10:00").await;
    assert!(rig.fates().is_empty() && rig.posted().is_empty());
    rig.book.pause("s", None, at("2026-11-21T03:10:00Z")).unwrap();
    rig.look_at("03:10:01").await;
    assert!(rig.fates().is_empty());
    rig.look_at("04:00:00").await;
    assert_eq!(rig.started(), ["04:00"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_success_for_long_is_told_again_and_again_until_there_is_one() {
    let rig = Rig::new();
    rig.schedule("alarm_after = '90m'");
    let overdue =
        |rig: &Rig| rig.posted().iter().filter(|notice| notice.kind == Kind::Overdue).count();
    // The run of 01:00 does not end: that is no success.
    rig.look_at("01:00:00").await;
    rig.look_at("01:59:00").await;
    assert_eq!(overdue(&rig), 0);
    rig.look_at("02:00:10").await;
    rig.look_at("02:30:00").await;
    let rig = rig.crash(0);
    rig.look_at("02:31:00").await;
    assert_eq!(overdue(&rig), 1, "once, also after a restart");
    rig.look_at("03:31:00").await;
    assert_eq!(overdue(&rig), 2);
    let run = rig.runs()[0].run.clone();
    rig.engine.resume(&run, &somebody()).unwrap();
    rig.let_pass().await;
    rig.look_at("03:40:00").await;
    assert!(rig.book.get("s").unwrap().standing.success.is_some());
    rig.look_at("04:30:00").await;
    assert_eq!(overdue(&rig), 2, "the success counts from its own time");
    rig.book.pause("s", Some("forgotten"), at("2026-11-21T04:40:00Z")).unwrap();
    rig.look_at("06:40:00").await;
    let told = rig.posted().pop().unwrap().text();
    assert!(told.contains("it is paused: windlass schedule resume s"), "{told}");
}

/// A clock that jumped by 27,000 days once made a daemon walk through 39 million minutes: it did
/// nothing else meanwhile, and not even SIGTERM ended it.
#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_by_decades_is_jumped_after() {
    let rig = Rig::new();
    rig.world.open("gate");
    rig.schedule_at("* * * * *", "missed = 'one'");
    rig.look().await;
    rig.clock.seconds(27_000 * 24 * 3600 + 600);
    let began = rig.engine.clock().now();
    let next = rig.look().await;
    assert!(next.is_some_and(|next| next > began && next <= began + 60_000), "{next:?}");
    let said = rig.posted()[0].text();
    let counted = said.split_once("missed at least ").map(|(_, rest)| rest);
    let counted =
        counted.and_then(|rest| rest.split_once(" times")).map(|(n, _)| n.parse::<usize>());
    assert!(counted.is_some_and(|n| (100_000..110_000).contains(&n.unwrap())), "{said}");
    rig.engine.idle().await;
    assert_eq!(rig.started().len(), 1);
    // The latest are recorded, and not the first.
    let fates = rig.fates();
    assert!(fates.len() <= RECORDED_MAX + 1, "{}", fates.len());

    // What comes rarely is counted whole, however long it was.
    let rig = Rig::new();
    rig.schedule_at("0 2 29 2 *", "missed = 'skip'");
    rig.look().await;
    rig.clock.seconds(27_000 * 24 * 3600);
    rig.look().await;
    let said = rig.posted()[0].text();
    assert!(said.contains("missed 18 times"), "{said}");
}
