//! Server-sent events: all of them, in order, once; again from where one left off.

use windlass_desk::Role;

use crate::rig::Rig;
use crate::stream::{Stream, Told};

fn names(told: &[Told]) -> Vec<String> {
    told.iter().map(|told| told.data["event"].as_str().unwrap_or("?").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_watched_from_its_beginning_to_its_end() {
    let rig = Rig::new().await;
    let token = rig.token("olga", &[Role::Operator]);
    let run = rig.start("held", &token).await;
    let path = format!("/api/v1/runs/{run}/events");
    let mut stream = Stream::open(&rig, &path, &token, None).await;
    let mut told = vec![stream.next().await.unwrap()];
    rig.world.let_go();
    while let Some(next) = stream.next().await {
        told.push(next);
    }
    let recorded: Vec<Told> = told.into_iter().filter(|told| told.id.is_some()).collect();
    let expected = ["created", "call_began", "call_ended", "call_began", "call_ended", "finished"];
    assert_eq!(names(&recorded), expected);
    let seqs: Vec<u64> =
        recorded.iter().map(|told| told.id.as_ref().unwrap().parse().unwrap()).collect();
    assert!(seqs.is_sorted() && seqs[0] == 0, "{seqs:?}");

    // Again, from every place on: what comes is the rest of it.
    for (n, told) in recorded.iter().enumerate() {
        let rest = &recorded[n + 1..];
        if rest.is_empty() {
            // What tells an EventSource to stop.
            let last = format!("{path}?after={}", told.id.as_ref().unwrap());
            rig.get(&last, &token).await.is(204);
            continue;
        }
        let mut stream = Stream::open(&rig, &path, &token, told.id.as_deref()).await;
        let mut again = Vec::new();
        while let Some(next) = stream.next().await {
            again.push(next);
        }
        assert_eq!(again, rest);
    }
    rig.get(&format!("{path}?after=x"), &token).await.refused(400, "WL0042");
    rig.get("/api/v1/runs/run_x/events", &token).await.refused(404, "WL0006");
}

#[tokio::test(flavor = "multi_thread")]
async fn all_runs_are_watched_and_what_happened_meanwhile_is_made_up_for() {
    let rig = Rig::new().await;
    let token = rig.token("olga", &[Role::Operator]);
    let before = rig.start("quick", &token).await;
    rig.until(&before, &token, "done").await;
    let mut stream = Stream::open(&rig, "/api/v1/events", &token, None).await;
    let first = rig.start("quick", &token).await;
    let mut last = None;
    loop {
        let told = stream.next().await.unwrap();
        assert_eq!(told.data["run"], first.as_str(), "an event from before");
        last = told.id.or(last);
        if told.data["event"] == "finished" {
            break;
        }
    }
    drop(stream);
    // Nobody watches, and three runs come and go.
    let mut missed = Vec::new();
    for _ in 0..3 {
        let run = rig.start("quick", &token).await;
        rig.until(&run, &token, "done").await;
        missed.push(run);
    }
    let mut stream = Stream::open(&rig, "/api/v1/events", &token, last.as_deref()).await;
    let mut ended = Vec::new();
    let mut places: Vec<(String, u64)> = Vec::new();
    while !missed.iter().all(|run| ended.contains(run)) {
        let told = stream.next().await.unwrap();
        let run = told.data["run"].as_str().unwrap().to_owned();
        if let Some(seq) = told.data["seq"].as_u64() {
            places.push((run.clone(), seq));
        }
        if told.data["event"] == "finished" {
            ended.push(run);
        }
    }
    for run in &missed {
        let of: Vec<u64> = places.iter().filter(|(r, _)| r == run).map(|(_, seq)| *seq).collect();
        let expected: Vec<u64> = rig
            .engine
            .events(&run.as_str().into(), 0, 99)
            .unwrap()
            .iter()
            .filter_map(|e| e.seq)
            .collect();
        assert_eq!(of, expected, "of {run}");
    }
    // And what happens from now on comes too.
    let now = rig.start("quick", &token).await;
    loop {
        let told = stream.next().await.unwrap();
        if told.data["run"] == now.as_str() && told.data["event"] == "finished" {
            return;
        }
    }
}

/// A stream went on for as long as its client liked, whatever became of its token.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_with_its_token_and_says_why() {
    let rig = Rig::new().await;
    let (admin, operator) = (rig.admin(), rig.token("olga", &[Role::Operator]));
    let run = rig.start("held", &operator).await;
    let one = format!("/api/v1/runs/{run}/events");
    for path in [one.as_str(), "/api/v1/events"] {
        let viewer = rig.token("vera", &[Role::Viewer]);
        let (mut stream, mut other) = (
            Stream::open(&rig, path, &viewer, None).await,
            Stream::open(&rig, path, &operator, None).await,
        );
        let id = viewer.split('_').nth(1).unwrap();
        let request = rig.request("DELETE", &format!("/api/v1/tokens/{id}"), &admin);
        rig.send(request.body(Default::default()).unwrap()).await.is(204);
        assert_eq!(last(&mut stream).await, "the token was removed");
        rig.get(path, &viewer).await.refused(401, "WL0040");

        // An hour is over when it is over: nobody has to do anything.
        let short = rig.token_for("vera", &[Role::Viewer], Some(2));
        let mut stream = Stream::open(&rig, path, &short, None).await;
        assert_eq!(last(&mut stream).await, "the token has expired");

        // Those of other tokens go on.
        rig.start("quick", &operator).await;
        if path == one {
            rig.world.let_go();
        }
        assert_ne!(other.next().await.unwrap().name, "problem");
    }
}

/// Reads to the end, and returns what the last event says is the matter.
async fn last(stream: &mut Stream) -> String {
    let mut last = None;
    while let Some(told) = stream.next().await {
        last = Some(told);
    }
    let last = last.unwrap();
    assert_eq!((last.name.as_str(), &last.data["code"]), ("problem", &serde_json::json!("WL0040")));
    last.data["detail"].as_str().unwrap().to_owned()
}
