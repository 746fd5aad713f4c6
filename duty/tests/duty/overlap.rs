//! A schedule that comes while its last run has not finished, and locks that others hold.

use windlass_duty::notice::Kind;
use windlass_engine::event::Status;

use crate::rig::{Rig, somebody};

/// The run of 01:00 stands at the gate when 02:00 comes.
async fn still_running(rule: &str) -> Rig {
    let rig = Rig::new();
    rig.schedule(rule);
    rig.look_at("01:00:00").await;
    assert_eq!(rig.started(), ["01:00"]);
    rig.look_at("02:00:00").await;
    rig
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_that_comes_too_early_is_left_out_and_told_if_the_rule_is_skip() {
    let rig = still_running("overlap = 'skip'").await;
    assert_eq!(rig.fates(), ["01:00 started None", "02:00 skipped"]);
    let posted = rig.posted();
    assert_eq!((posted.len(), posted[0].kind), (1, Kind::Missed));
    assert!(posted[0].title.contains("has not finished"), "{}", posted[0].title);
    rig.let_pass().await;
    rig.look_at("03:00:00").await;
    assert_eq!(rig.started(), ["01:00", "03:00"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_run_waits_and_a_further_one_is_left_out_if_the_rule_is_queue() {
    let rig = still_running("overlap = 'queue'").await;
    rig.look_at("03:00:00").await;
    assert_eq!(rig.started(), ["01:00"]);
    assert_eq!(rig.fates(), ["01:00 started None", "03:00 skipped"]);
    let rig = rig.crash(0);
    let run = rig.runs()[0].run.clone();
    rig.engine.resume(&run, &somebody()).unwrap();
    rig.let_pass().await;
    rig.look_at("03:10:00").await;
    assert_eq!(rig.started(), ["01:00", "02:00"], "what waits survives a crash");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_running_one_is_taken_back_and_the_new_one_starts_if_the_rule_is_replace() {
    let rig = Rig::new();
    rig.shelf.put("pass", r#"gate::pass(#{ name: "first" }); gate::pass(#{ name: "gate" });"#);
    rig.schedule("overlap = 'replace'");
    rig.look_at("01:00:00").await;
    rig.is_in_call(1).await;
    rig.look_at("02:00:00").await;
    // A call that has begun is finished first.
    rig.look_at("02:00:20").await;
    assert_eq!(rig.started(), ["01:00"]);
    rig.world.open("first");
    rig.engine.idle().await;
    rig.look_at("02:00:40").await;
    assert_eq!(rig.started(), ["01:00", "02:00"]);
    assert_eq!(rig.runs()[0].status, Status::Cancelled);
    let journal = rig.engine.entries(&rig.runs()[0].run).unwrap();
    let asked = journal.iter().filter(|e| format!("{:?}", e.body).contains("came again")).count();
    assert_eq!(asked, 2, "the decision and the unwinding: it is asked once, not at every look");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_past_its_pivot_is_not_replaced_but_waited_for() {
    let rig = Rig::new();
    rig.world.open("burnt");
    rig.shelf.put("pass", r#"gate::burn(#{ name: "burnt" }); gate::pass(#{ name: "gate" });"#);
    rig.schedule("overlap = 'replace'");
    rig.look_at("01:00:00").await;
    rig.is_in_call(2).await;
    rig.look_at("02:00:00").await;
    rig.look_at("03:00:00").await;
    assert_eq!(rig.fates(), ["01:00 started None", "02:00 skipped"], "the later one waits");
    rig.let_pass().await;
    rig.look_at("03:00:30").await;
    assert_eq!(rig.runs()[0].status, Status::Done);
    assert_eq!(rig.started(), ["01:00", "03:00"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_another_run_holds_is_waited_for_unless_the_rule_is_skip() {
    for (rule, expected) in [("skip", "01:00 skipped"), ("queue", "01:00 started None")] {
        let rig = Rig::new();
        let text = "//! locks = [\"thing\"]\ngate::pass(#{ name: \"gate\" });";
        rig.shelf.put("pass", text);
        rig.shelf.put("other", "//! locks = [\"thing\"]\nworld::ask(#{ name: \"nobody\" });");
        let holder = rig.run("other", Vec::new()).await;
        rig.schedule(&format!("overlap = '{rule}'"));
        rig.look_at("01:00:00").await;
        assert!(rig.started().is_empty());
        rig.engine.undo(&holder, &somebody(), "out of the way").unwrap().outcome().await;
        rig.look_at("01:10:00").await;
        assert_eq!(rig.fates(), [expected]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_runbook_that_does_not_compile_is_told_and_keeps_no_other_schedule_from_its_time() {
    let rig = Rig::new();
    rig.world.open("gate");
    rig.schedule("");
    let broken = "name = 'broken'\nrunbook = 'broken'\ncron = '0 * * * *'\nzone = 'UTC'\n";
    let config = toml::from_str(broken).unwrap();
    let now = crate::rig::at("2026-11-21T00:30:00Z");
    rig.book.add(config, windlass_duty::schedule::Origin::Command, now).unwrap();
    rig.shelf.put("broken", "let let;");
    rig.look_at("01:00:00").await;
    assert_eq!(rig.started(), ["01:00"]);
    let told = rig.posted();
    assert_eq!(told[0].schedule.as_deref(), Some("broken"));
    assert!(told[0].title.contains("started no run at 2026-11-21 01:00"), "{}", told[0].title);
    rig.shelf.put("broken", "gate::pass(#{ name: \"gate\" });");
    rig.look_at("02:00:00").await;
    let runs: Vec<_> = rig.runs().into_iter().map(|run| run.runbook).collect();
    assert!(runs.contains(&"broken".to_owned()), "the text is read whenever it comes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_waits_for_an_answer_is_not_over_and_can_be_replaced() {
    for (rule, expected) in [("skip", vec!["01:00"]), ("replace", vec!["01:00", "02:00"])] {
        let rig = Rig::new();
        rig.shelf.put("pass", r#"approve(#{ text: "go on?" });"#);
        rig.schedule(&format!("overlap = '{rule}'"));
        rig.look_at("01:00:00").await;
        rig.is_in_call(1).await;
        let run = rig.runs()[0].run.clone();
        rig.look_at("02:00:00").await;
        if rule == "replace" {
            let mut events = rig.engine.subscribe();
            while !rig.engine.view(&run).unwrap().summary.status.is_finished() {
                events.recv().await.unwrap();
            }
        }
        rig.look_at("02:00:30").await;
        assert_eq!(rig.started(), expected, "{rule}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_that_is_left_out_for_days_is_remembered_no_longer_than_others() {
    let rig = Rig::new();
    rig.schedule("");
    rig.look_at("01:00:00").await;
    for _ in 0..300 {
        rig.clock.seconds(3600);
        rig.look().await;
    }
    assert_eq!(rig.runs().len(), 1);
    assert_eq!(rig.fates().len(), 200);
}
