//! A run goes on at the swarm where it began, and at no other: two simulated swarms, one state.

use std::path::Path;
use std::process::Output;

use rustix::process::Signal;
use tokio::runtime::Runtime;
use windlass_lab::simulated::{Served, Simulated, SimulatedSpec};

use crate::{Operator, all, assert_says};

/// Swarms that answer side by side.
pub(crate) struct Swarms {
    runtime: Runtime,
    served: Vec<Served>,
}

impl Swarms {
    pub(crate) fn up() -> Self {
        Swarms { runtime: Runtime::new().unwrap(), served: Vec::new() }
    }

    pub(crate) fn serve(&mut self, socket: &Path, seed: u64) -> String {
        let spec = SimulatedSpec { seed, ..SimulatedSpec::default() };
        let _entered = self.runtime.enter();
        let served = self.runtime.block_on(Simulated::new(&spec).serve(socket)).unwrap();
        let host = served.docker_host();
        self.served.push(served);
        host
    }
}

fn at(operator: &Operator, host: &str, args: &str) -> Output {
    let args: Vec<&str> = args.split_whitespace().collect();
    operator.command(&args).env("DOCKER_HOST", host).output().unwrap()
}

fn entries(operator: &Operator, run: &str) -> usize {
    all(&operator.windlass(&format!("log {run}"))).lines().count()
}

const SCRIPT: &str = "//! title = \"Two\"
let value = secret::generate(#{ length: 20 });
secret::create(#{ name: \"made\", value: value });
approve(#{ text: \"go on?\" });
";

#[test]
fn a_run_goes_on_at_the_swarm_where_it_began_and_at_no_other() {
    let (operator, mut swarms) = (Operator::at_home(), Swarms::up());
    let here = swarms.serve(&operator.home.path().join("a.sock"), 1);
    let other = swarms.serve(&operator.home.path().join("b.sock"), 2);
    let file = operator.file("two.rhai", SCRIPT);
    let mut shell = operator.shell_at(&here, "ann", &format!("run {file}"));
    shell.hears("on the swarm ");
    shell.hears("go on?");
    shell.signal(Signal::INT);
    shell.ends(4);
    let run = operator.the_run()["run"].as_str().unwrap().to_owned();
    let before = entries(&operator, &run);

    let words = ["WL0025", &format!("at {here}, and the swarm "), &format!("at {other} answers")];
    for command in [
        format!("resume {run}"),
        format!("resume {run} --plan"),
        format!("undo {run}"),
        format!("cancel {run}"),
        format!("retry {run} 2 --reason x"),
        format!("skip {run} 2 --reason x"),
        format!("mark-done {run} 2 --reason x"),
        format!("approve {run}"),
        format!("deny {run} --reason x"),
    ] {
        assert_says(&at(&operator, &other, &command), 8, &words);
        assert_eq!(entries(&operator, &run), before, "{command}");
    }

    // Over a daemon the swarm of the daemon counts.
    let mut daemon = operator.shell_at(&other, "ann", "serve --listen off");
    let noted = daemon.hears("is left as it is");
    assert!(noted.contains(&run) && noted.contains(&format!("at {other} answers")), "{noted}");
    for command in [format!("resume {run}"), format!("undo {run}"), format!("approve {run}")] {
        assert_says(&at(&operator, &here, &command), 8, &words);
    }
    daemon.signal(Signal::TERM);
    daemon.ends(0);
    assert_eq!(entries(&operator, &run), before);

    // A swarm that does not answer is not another one.
    let silent = format!("unix://{}/no.sock", operator.home.path().display());
    assert_says(&at(&operator, &silent, &format!("undo {run}")), 8, &["WL0014"]);
    assert_eq!(entries(&operator, &run), before);

    // Whoever knows better says so, and the run then has nothing of its own there.
    let moved = format!("undo {run} --another-swarm gone");
    assert_says(&at(&operator, &other, &moved), 0, &["the run now acts on the swarm"]);
}

#[test]
fn a_run_that_is_undone_at_its_own_swarm_leaves_nothing_there() {
    let (operator, mut swarms) = (Operator::at_home(), Swarms::up());
    let here = swarms.serve(&operator.home.path().join("a.sock"), 1);
    let plan = operator.file("two.rhai", SCRIPT);
    assert_says(&at(&operator, &here, &format!("plan {plan}")), 0, &["On the swarm", &here]);
    let mut shell = operator.shell_at(&here, "ann", &format!("run {plan}"));
    shell.hears("go on?");
    shell.signal(Signal::INT);
    shell.ends(4);
    let run = operator.the_run()["run"].as_str().unwrap().to_owned();
    assert_says(&at(&operator, &here, &format!("undo {run}")), 0, &["undone"]);
    let left = all(&at(&operator, &here, "snapshot"));
    assert!(!left.contains("\"made\""), "{left}");
}
