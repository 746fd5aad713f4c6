//! `rehearse` and `snapshot` where no swarm is needed.

use crate::{Operator, all, assert_says};

#[test]
fn words_that_do_not_fit_are_found_before_a_swarm_is_asked() {
    let operator = Operator::at_home();
    let same = "rehearse rotate-secret-same-name";
    let no_snapshot = operator.file("stack.json", "{ \"services\": { \"db\": \"c4n4ry\" } }");
    let later = operator.file("later.json", "{\n \"version\": 9 }");
    let cases: [(String, &[&str]); 7] = [
        ("rehearse nosuch".into(), &["nosuch", "WL0001"]),
        (same.into(), &["`secret` is missing", "-p secret="]),
        (format!("{same} -p secret=db -p value=c4n4ry"), &["value"]),
        (format!("{same} -p secret=db -p parallel=many"), &["many", "from 1 to 64"]),
        (
            format!("{same} -p secret=db --snapshot {no_snapshot}"),
            &["stack.json:1:", "windlass snapshot"],
        ),
        (format!("{same} -p secret=db --snapshot {later}"), &["later.json:2:", "format 9"]),
        (
            format!("{same} -p secret=db --snapshot {later} --from tcp://x"),
            &["cannot be used with"],
        ),
    ];
    for (args, words) in cases {
        let output = operator.windlass(&args);
        assert_says(&output, 2, words);
        assert!(!all(&output).contains("c4n4ry"), "{args} repeats the value");
    }
    assert!(!operator.state().exists(), "the state was touched");
}

#[test]
fn without_docker_there_is_no_copy_and_no_file() {
    let operator = Operator::at_home();
    let file = operator.home.path().join("swarm.json");
    let snapshot = format!("snapshot -o {}", file.display());
    for args in [snapshot.as_str(), "rehearse rotate-secret -p secret=db"] {
        assert_says(
            &operator.windlass(args),
            8,
            &["no Docker daemon answers", "no.sock", "WL0014"],
        );
    }
    let other = format!("{snapshot} --from unix://{}/other.sock", operator.home.path().display());
    assert_says(&operator.windlass(&other), 8, &["other.sock"]);
    assert!(!file.exists());
}
