//! Who asks: users of this machine over the socket, by sudo, and over HTTP.
//!
//! Nobody is made for these tests: they use users and groups that every Debian has.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Output};

use crate::token::ask;
use crate::waits::{BEN, Shell, simulated};
use crate::{Operator, all, assert_says};

/// The group that is let in, and another one.
const STAFF: u32 = 50;
const NOGROUP: u32 = 65_534;
/// Ann and Ben, by number: `games` and `mail`.
const ANN: u32 = 5;
const BEN_BY_NUMBER: u32 = 8;

/// A daemon of root that lets a group in.
struct Shared {
    operator: Operator,
    daemon: Shell,
    address: String,
    program: PathBuf,
}

impl Shared {
    fn up() -> Self {
        assert!(
            rustix::process::geteuid().is_root(),
            "only root can be two people: run it as root"
        );
        let operator = Operator::at_home();
        fs::set_permissions(operator.home.path(), Permissions::from_mode(0o755)).unwrap();
        // Where the program was built may be closed to others.
        let program = operator.home.path().join("windlass");
        fs::hard_link(env!("CARGO_BIN_EXE_windlass"), &program)
            .or_else(|_| fs::copy(env!("CARGO_BIN_EXE_windlass"), &program).map(drop))
            .unwrap();
        let mut daemon = operator.shell("root", "serve --listen 127.0.0.1:0 --group staff");
        let line = daemon.hears("answers at http://");
        let address = line.split("http://").nth(1).unwrap().split('/').next().unwrap().to_owned();
        Shared { operator, daemon, address, program }
    }

    /// Carries a command out as a user of this machine who is in a group.
    fn says(&self, uid: u32, gid: u32, args: &str) -> Output {
        let args: Vec<&str> = args.split_whitespace().collect();
        let template = self.operator.command(&args);
        let mut command = Command::new(&self.program);
        command.args(template.get_args()).env_clear();
        command.envs(template.get_envs().filter_map(|(name, value)| Some((name, value?))));
        // What sudo would say counts for root alone.
        command.env("SUDO_USER", "root").uid(uid).gid(gid).output().unwrap()
    }

    fn token(&self, person: &str) -> String {
        let add = format!("token add test --person {person} --role admin");
        let made = self.operator.windlass(&add);
        assert_says(&made, 0, &[]);
        String::from_utf8(made.stdout).unwrap().trim().to_owned()
    }
}

const ASKS: &str = "//! title = \"Asks\"
approve(#{ text: \"go on?\", not_starter: true });
secret::generate(#{ length: 20 });
";

fn run_of(begun: &Output) -> String {
    assert_says(begun, 0, &["continues by itself"]);
    String::from_utf8(begun.stdout.clone()).unwrap().trim().to_owned()
}

#[test]
fn two_users_over_the_socket_of_roots_daemon_are_two_people_and_both_are_named() {
    let mut shared = Shared::up();
    let file = shared.operator.file("asks.rhai", ASKS);
    let run = run_of(&shared.says(ANN, STAFF, &format!("run -d {file}")));
    shared.daemon.hears("waits");
    let approve = format!("approve {run}");
    assert_says(&shared.says(ANN, STAFF, &approve), 2, &["games started the run", "WL0018"]);
    assert_says(&shared.says(BEN_BY_NUMBER, STAFF, &approve), 0, &["approved"]);
    shared.daemon.hears("ends: done");

    let log = shared.says(ANN, STAFF, &format!("log {run}"));
    assert_says(&log, 0, &["asks.rhai by games on", "approved by mail"]);
    let report = shared.says(BEN_BY_NUMBER, STAFF, &format!("report {run}"));
    assert_says(&report, 0, &["games on", "mail"]);
    let audit = ask(&shared.address, "GET", "/api/v1/audit", &shared.token("anna"), "");
    for who in ["games", "mail"] {
        let entry = format!("\"person\":\"{who}\",\"from\":\"socket, pid ");
        assert!(audit.contains(&entry), "no {entry} in {audit}");
    }
}

/// Members of the group need not be members of the group `docker`: "Permission denied" was all that
/// they heard of a daemon that would have done it.
#[test]
fn a_member_who_may_not_reach_docker_starts_a_run_by_the_daemon_that_does() {
    let mut shared = Shared::up();
    let _lab = simulated(&shared.operator);
    let file = shared.operator.file("look.rhai", "//! title = \"Looks\"\nswarm::check(#{});\n");
    run_of(&shared.says(ANN, STAFF, &format!("run -d {file}")));
    shared.daemon.hears("ends: done");
    // Nobody can plan without looking.
    assert_says(&shared.says(ANN, STAFF, &format!("plan {file}")), 8, &["WL0014"]);
    // Without a daemon there is nobody else to ask.
    let alone = Shared { operator: Operator::at_home(), ..shared };
    assert_says(&alone.says(ANN, STAFF, &format!("run {file}")), 8, &["WL0014"]);
}

#[test]
fn a_group_that_is_let_in_can_ask_and_can_neither_read_the_state_nor_do_what_an_admin_does() {
    let shared = Shared::up();
    assert_says(&shared.says(ANN, STAFF, "runs"), 0, &["no runs"]);
    let outside = shared.says(ANN, NOGROUP, "runs");
    assert_says(&outside, 8, &["belongs to user 0", "--group GROUP", "WL0013"]);
    for admins in ["token list", "prune --older-than 1d", "schedule remove x"] {
        assert_says(&shared.says(ANN, STAFF, admins), 8, &["the role admin", "games", "WL0041"]);
    }
    let anybodys = shared.operator.home.path().join("anybodys");
    fs::create_dir(&anybodys).unwrap();
    fs::set_permissions(&anybodys, Permissions::from_mode(0o777)).unwrap();
    let backup = format!("store backup {}/copy", anybodys.display());
    assert_says(&shared.says(ANN, STAFF, &backup), 8, &["WL0041"]);
    let state = shared.operator.state();
    for (path, mode) in [("", 0o710), ("keys", 0o700), ("journal", 0o700), ("owner.lock", 0o600)] {
        let found = fs::metadata(state.join(path)).unwrap().permissions().mode() & 0o7777;
        assert_eq!(found, mode, "{path}: {found:o}");
    }
    let unknown = Operator::at_home();
    let refused = unknown.windlass("serve --listen off --group no-such-group");
    assert_says(&refused, 2, &["no-such-group", "no such group", "WL0021"]);
}

/// A runbook asks for a role, and a member of the group has the groups of this machine as roles.
#[test]
fn the_groups_of_a_user_are_roles_that_a_runbook_can_ask_for() {
    let mut shared = Shared::up();
    let script = "//! title = \"Asks\"\napprove(#{ text: \"go on?\", roles: [\"mail\"] });\n";
    let file = shared.operator.file("asks.rhai", script);
    let run = run_of(&shared.says(ANN, STAFF, &format!("run -d {file}")));
    shared.daemon.hears("waits");
    let approve = format!("approve {run}");
    assert_says(&shared.says(ANN, STAFF, &approve), 2, &["games does not have the role mail"]);
    assert_says(&shared.says(BEN_BY_NUMBER, STAFF, &approve), 0, &["approved"]);
    shared.daemon.hears("ends: done");
}

#[test]
fn whoever_starts_over_http_is_the_same_person_over_the_socket_and_by_sudo() {
    let mut shared = Shared::up();
    let token = shared.token("games");
    let text = ASKS.replace('"', "\\\"").replace('\n', "\\n");
    let body = format!("{{\"runbook\": \"asks.rhai\", \"text\": \"{text}\"}}");
    let started = ask(&shared.address, "POST", "/api/v1/runs", &token, &body);
    assert!(started.starts_with("HTTP/1.1 201"), "{started}");
    shared.daemon.hears("waits");
    let run = shared.operator.the_run()["run"].as_str().unwrap().to_owned();
    let approve = format!("approve {run}");
    let refused = ["games started the run", "WL0018"];
    assert_says(&shared.says(ANN, STAFF, &approve), 2, &refused);
    assert_says(&shared.operator.says("games", &approve), 2, &refused);
    let denied = ask(&shared.address, "POST", &format!("/api/v1/runs/{run}/approve"), &token, "{}");
    assert!(denied.contains("games started the run"), "{denied}");
    assert_says(&shared.operator.says(BEN, &approve), 0, &["approved"]);
    shared.daemon.hears("ends: done");
    let log = shared.operator.windlass(&format!("log {run}"));
    assert_says(&log, 0, &["approved by mail (as root, by sudo)"]);
    let audit = ask(&shared.address, "GET", "/api/v1/audit", &token, "");
    assert!(audit.contains("\"person\":\"mail\"") && audit.contains("as root by sudo"), "{audit}");
}

/// `SUDO_USER=` once made a nobody, who is not the starter, and approved.
#[test]
fn an_empty_or_unknown_sudo_user_is_root() {
    let operator = Operator::at_home();
    let mut daemon = operator.shell("", "serve --listen off");
    daemon.hears("serves");
    let file = operator.file("asks.rhai", ASKS);
    let run = run_of(&operator.says("root", &format!("run -d {file}")));
    daemon.hears("waits");
    for who in ["", "no-such-user", "root"] {
        let refused = operator.says(who, &format!("approve {run}"));
        assert_says(&refused, 2, &["root started the run", "WL0018"]);
    }
    assert!(!all(&operator.windlass(&format!("log {run}"))).contains("approved"));
}

/// To the system, `Ann` and `ann` are two users; to an approval by two people they would count as two.
#[test]
fn a_token_for_a_name_that_differs_in_case_alone_is_refused() {
    let operator = Operator::at_home();
    let add =
        |person: &str| operator.windlass(&format!("token add x --person {person} --role approver"));
    assert_says(&add("Poperator"), 0, &[]);
    assert_says(&add("poperator"), 2, &["`poperator` and `Poperator` would be two people"]);
    assert_says(&add("Poperator"), 0, &[]);
    // A user of this machine.
    assert_says(&add("Games"), 2, &["`Games` and `games` would be two people", "WL0002"]);
    assert_says(&add("games"), 0, &[]);
}
