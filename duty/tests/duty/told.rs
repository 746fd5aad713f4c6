//! What is told of runs, and that nothing is told twice or forgotten.

use windlass_duty::notice::{Kind, Outbox, Watch, send};
use windlass_engine::event::What;
use windlass_engine::id::RunId;
use windlass_engine::journal::Decision;
use windlass_engine::secret::Secret;

use crate::receiver::Receiver;
use crate::rig::{EVERYTHING, Rig, somebody};

fn watch(rig: &Rig) -> Watch {
    Watch::open(rig.engine.clone(), rig.outbox.clone()).unwrap().unwrap()
}

fn told(rig: &Rig) -> Vec<(Kind, RunId)> {
    let posted = rig.posted().into_iter();
    posted.map(|notice| (notice.kind, notice.run.unwrap())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_end_is_told_once_however_often_it_is_looked_at() {
    let rig = Rig::new();
    rig.world.open("gate");
    rig.shelf.put("fail", "gate::pass(#{ name: \"gate\" }); world::refuse(#{ name: \"web\" });");
    rig.shelf.put("ask", "world::ask(#{ name: \"web\" });");
    let watch = watch(&rig);
    let done = rig.run("pass", Vec::new()).await;
    let failed = rig.run("fail", Vec::new()).await;
    let stuck = rig.run("ask", Vec::new()).await;
    watch.catch_up().unwrap();
    watch.catch_up().unwrap();
    watch.follow(&stuck).unwrap();
    let expected = [(Kind::Finished, done), (Kind::Failed, failed), (Kind::Stuck, stuck.clone())];
    let mut got = told(&rig);
    got.sort_by_key(|(_, run)| run.clone());
    let mut wanted = expected.to_vec();
    wanted.sort_by_key(|(_, run)| run.clone());
    assert_eq!(got, wanted);
    let failed = rig.posted().into_iter().find(|notice| notice.kind == Kind::Failed).unwrap();
    assert!(failed.title.ends_with("failed: everything that it did was undone"), "{failed:?}");
    let notice = rig.posted().into_iter().find(|notice| notice.kind == Kind::Stuck).unwrap();
    for said in ["ask is stuck and needs a person", "web does not want to", "windlass show run_"] {
        assert!(notice.text().contains(said), "{}", notice.text());
    }

    rig.clock.seconds(1);
    let key = "1".parse().unwrap();
    rig.engine.decide(&stuck, &somebody(), Decision::Skip { key }, "not needed").unwrap();
    rig.engine.resume(&stuck, &somebody()).unwrap().outcome().await;
    watch.follow(&stuck).unwrap();
    let kinds: Vec<Kind> = told(&rig).into_iter().skip(3).map(|(kind, _)| kind).collect();
    assert!(kinds.contains(&Kind::Recovered) && kinds.contains(&Kind::Finished), "{kinds:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happened_while_nobody_watched_is_told_at_the_next_start() {
    let rig = Rig::new();
    drop(watch(&rig));
    rig.clock.seconds(1);
    let run = rig.run("missing", Vec::new());
    drop(run);
    rig.shelf.put("fail", "world::refuse(#{ name: \"web\" });");
    let failed = rig.run("fail", Vec::new()).await;
    let after = rig.crash(EVERYTHING);
    watch(&after).catch_up().unwrap();
    assert_eq!(told(&after), [(Kind::Failed, failed)]);
    let key = after.posted()[0].key.clone();

    // Dead before the cursor was written: the same notice, under the same key.
    let run = after.runs()[0].run.clone();
    after.engine.store().remove_value(&format!("notice/cursor/{run}")).unwrap();
    let again = after.crash(EVERYTHING);
    watch(&again).catch_up().unwrap();
    assert_eq!(again.posted().len(), 1);
    assert_eq!(again.posted()[0].key, key);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_before_the_first_receiver_is_not_told() {
    let rig = Rig::new();
    rig.world.open("gate");
    rig.run("pass", Vec::new()).await;
    let nobody = Outbox::new(&rig.engine, []);
    assert!(Watch::open(rig.engine.clone(), nobody).unwrap().is_none());
    rig.clock.seconds(60);
    watch(&rig).catch_up().unwrap();
    assert!(rig.posted().is_empty());
    rig.clock.seconds(60);
    let run = rig.run("pass", Vec::new()).await;
    watch(&rig).catch_up().unwrap();
    assert_eq!(told(&rig), [(Kind::Finished, run)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_and_no_parameter_is_in_a_notice() {
    let rig = Rig::new();
    let header = "//! [params]\n//! value = { type = \"secret\", help = \"h\" }\n//! \
        who = { type = \"string\", help = \"h\", default = \"canary-public\" }\n";
    rig.shelf.put("login", &format!("{header}world::login(#{{ value: value }});"));
    let watch = watch(&rig);
    let value = Secret::new(b"canary-sealed".to_vec());
    rig.run("login", vec![("value".to_owned(), value)]).await;
    watch.catch_up().unwrap();
    let posted = rig.posted();
    assert_eq!(posted.len(), 1);
    assert!(posted[0].text().contains("login with"), "{}", posted[0].text());
    let (receiver, directory) = (Receiver::up().await, tempfile::tempdir().unwrap());
    send(&receiver.webhook("ops", directory.path()), &posted[0], 0).await.unwrap();
    for request in receiver.requests(1).await {
        assert!(!format!("{request:?}").contains("canary"), "{request:?}");
    }
    for (name, bytes) in rig.engine.store().values("notice/", "", 100).unwrap() {
        let text = String::from_utf8(bytes).unwrap();
        assert!(!text.contains("canary"), "{name}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_asked_is_told_what_and_who_only_waits_is_not() {
    let rig = Rig::new();
    rig.shelf.put("asks", "sleep(\"1s\"); approve(#{ text: \"destroy old?\", deadline: \"2h\" });");
    let watch = watch(&rig);
    let mut events = rig.engine.subscribe();
    let run = rig.begin("asks");
    loop {
        let event = events.recv().await.unwrap();
        match event.what {
            What::Waiting { wait } if wait.step == "sleep" => rig.clock.seconds(1),
            What::Waiting { wait } if wait.step == "approve" => break,
            _ => {}
        }
    }
    watch.follow(&run).unwrap();
    assert_eq!(told(&rig), [(Kind::Waiting, run)]);
    let text = rig.posted()[0].text();
    for said in ["asks waits for somebody's answer", "destroy old?", "windlass show run_"] {
        assert!(text.contains(said), "{text}");
    }
}
