//! Questions: typed answers, and secrets that nobody sees.

use windlass_engine::engine::EngineError;
use windlass_engine::journal::{End, Journals};
use windlass_engine::run::Outcome;
use windlass_engine::secret::Secret;

use crate::rig::{Rig, by};

const DONE: Outcome = Outcome::Finished(End::Done);

const ASK: &str = "let given = ask(#{ text: \"How many?\", deadline: \"1h\", fields: #{
                       count: #{ type: \"int\", help: \"h\", min: 1, max: 9 },
                       how: #{ type: \"enum\", help: \"h\", values: [\"slow\", \"fast\"], \"default\": \"slow\" },
                   } });
                   thing::make(#{ name: `${given.how} ${given.count + 1}` });";

#[test]
fn an_answer_is_typed_and_what_does_not_fit_is_refused() {
    let rig = Rig::new();
    let followed = rig.waiting(ASK);
    let run = followed.run.clone();
    assert_eq!(rig.waits(&run)[0].says, "question: How many?");
    assert_eq!(rig.waits(&run)[0].fields["count"].max, Some(9));
    for (field, value, words) in [
        ("count", "12", "from 1 to 9"),
        ("size", "1", "`size` is not asked for"),
        ("how", "slow", "`count` is missing"),
    ] {
        let refused = rig.answer(&run, field, value).unwrap_err();
        assert!(refused.to_string().contains(words), "{refused}");
    }
    let none = rig.approve(&run, "ben");
    assert!(matches!(none, Err(EngineError::NotNow(_))), "{none:?}");
    rig.answer(&run, "count", "3").unwrap();
    assert_eq!(rig.outcome(followed), DONE);
    assert!(rig.has("slow 4"));
}

#[test]
fn nobody_answers_in_time() {
    let rig = Rig::new();
    let followed = rig.waiting(ASK);
    let run = followed.run.clone();
    rig.clock.minutes(60);
    assert_eq!(rig.outcome(followed), Outcome::Finished(End::Undone));
    assert_eq!(rig.error(&run).code, "timed_out");
}

#[test]
fn a_secret_answer_is_sealed_reaches_its_step_and_survives_a_restart() {
    let mut rig = Rig::new();
    let script = "let given = ask(#{ fields: #{ token: #{ type: \"secret\", help: \"h\" } } });
                  sleep(\"1h\");
                  thing::open(#{ value: given.token, fail: false });";
    let followed = rig.waiting(script);
    let run = followed.run.clone();
    let open = rig.answer(&run, "token", "canary").unwrap_err();
    assert!(open.to_string().contains("secret"), "{open}");
    let secrets = vec![("token".to_owned(), Secret::new(b"canary-in-a-coal-mine".to_vec()))];
    let by = by("ben");
    let answering = rig.engine.answer(&run, None, &by, &[], secrets);
    rig.runtime.block_on(answering).unwrap();
    crate::rig::until("it sleeps", || rig.waits(&run).iter().any(|wait| wait.step == "sleep"));
    rig.until_put_away(&run);
    // The process ends: its followers with it.
    drop(followed);
    rig.restart(0);
    for record in rig.store.read(&run).unwrap() {
        assert!(!String::from_utf8_lossy(&record).contains("canary"), "in the journal");
    }
    let followed = rig.resume(&run);
    rig.clock.minutes(60);
    assert_eq!(rig.outcome(followed), DONE);
    assert_eq!(rig.world.lock().opened, [b"canary-in-a-coal-mine".to_vec()]);
}
