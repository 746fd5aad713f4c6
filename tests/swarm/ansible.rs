//! Secrets that Ansible deploys, rotated by Windlass: what the next playbook run does.
//!
//! The modules are the real ones, from PyPI; the playbook beside this file makes a secret and a
//! service that uses it, as people do.

use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::LazyLock;

use serde_json::Value;

use crate::oracle::assert_serves;
use crate::rig::{Rig, all, code};

const PATH: &str = "/run/secrets/db_password";

/// A playbook of one secret and one service.
#[derive(Clone, Copy)]
struct Playbook<'a> {
    secret: &'a str,
    value: &'a str,
    rolling: bool,
}

impl Playbook<'_> {
    /// Runs it against the service of that name, and returns what it printed.
    fn run(self, rig: &Rig, service: &str) -> Output {
        static ANSIBLE: LazyLock<PathBuf> = LazyLock::new(ansible);
        let vars = serde_json::json!({
            "secret": self.secret,
            "value": self.value,
            "rolling": self.rolling,
            "service": service,
            "image": windlass_lab::image::APP,
        });
        let mut command = Command::new(ANSIBLE.join("bin/ansible-playbook"));
        command.args(["--inventory", "localhost,", "--extra-vars", &vars.to_string()]);
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/swarm/ansible/playbook.yml"));
        command.env("ANSIBLE_COLLECTIONS_PATH", ANSIBLE.join("collections"));
        command.env("ANSIBLE_LOCALHOST_WARNING", "false").env("ANSIBLE_NOCOLOR", "true");
        command.env("ANSIBLE_HOME", ANSIBLE.join("home")).env("ANSIBLE_DEVEL_WARNING", "false");
        command.env("DOCKER_HOST", rig.lab().docker_host()).env("LC_ALL", "C.UTF-8");
        command.output().unwrap()
    }

    /// Runs it and returns how many tasks changed something.
    fn changed(self, rig: &Rig, service: &str) -> u32 {
        let output = self.run(rig, service);
        assert_eq!(code(&output), 0, "{}", all(&output));
        let text = all(&output);
        let count = text.split("changed=").nth(1).and_then(|rest| rest.split(' ').next());
        count.and_then(|count| count.parse().ok()).unwrap_or_else(|| panic!("{text}"))
    }
}

/// Returns where Ansible is installed.
fn ansible() -> PathBuf {
    let mut command = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/python"));
    command.args(["ansible", "ansible-core==2.19.14", "docker==7.1.0", "requests==2.32.5"]);
    command.args(["--collections", "ansible==12.3.0", "community.docker"]);
    let output = command.arg("community.library_inventory_filtering_v1").output().unwrap();
    assert!(output.status.success(), "{}", all(&output));
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())
}

fn label(rig: &Rig, secret: &str, label: &str) -> Option<String> {
    let shown = rig.docker(&format!("secret inspect {secret}"));
    let shown: Value = serde_json::from_str(&shown).unwrap();
    shown[0]["Spec"]["Labels"][label].as_str().map(str::to_owned)
}

fn tasks(rig: &Rig, service: &str) -> String {
    rig.docker(&format!("service ps -q --no-trunc {service}"))
}

/// Before, the label `ansible_key` was copied: it told of the old value. A playbook with the new
/// value failed every time ("in use"), and one with the old value found nothing to do.
#[test]
fn after_a_same_name_rotation_a_playbook_with_the_new_value_finds_nothing_to_do() {
    let rig = Rig::up();
    let operator = rig.operator();
    let stale = Playbook { secret: "ans_db", value: "old value", rolling: false };
    assert_eq!(stale.changed(&rig, "app"), 2);
    rig.wait_until("the service runs", || rig.served("app").len() == 1);

    let plan = operator.windlass("plan rotate-secret-same-name -p secret=ans_db");
    assert!(all(&plan).contains("Ansible"), "{}", all(&plan));
    assert!(!all(&plan).contains("ans_db.tmp in the playbook"), "{}", all(&plan));
    let output = operator.rotate("rotate-secret-same-name", "ans_db", "new value", "");
    assert_eq!(code(&output), 0, "{}", all(&output));
    assert_serves(&rig, "app", PATH, "new value", 1);

    let before = tasks(&rig, "app");
    assert_eq!(Playbook { value: "new value", ..stale }.changed(&rig, "app"), 0);
    let output = stale.run(&rig, "app");
    assert_ne!(code(&output), 0, "the old value is refused: {}", all(&output));
    assert!(all(&output).contains("is in use by the following service: app"), "{}", all(&output));
    assert_eq!(tasks(&rig, "app"), before, "nothing restarts");

    // Whoever does not want an unsalted hash there can leave it out; Ansible then warns.
    let output =
        operator.rotate("rotate-secret-same-name", "ans_db", "third", "-p ansible_key=drop");
    assert_eq!(code(&output), 0, "{}", all(&output));
    assert_eq!(label(&rig, "ans_db", "ansible_key"), None);
    let output = Playbook { value: "third", ..stale }.run(&rig, "app");
    assert!(all(&output).contains("'ansible_key' label not found"), "{}", all(&output));
    assert_serves(&rig, "app", PATH, "third", 1);
}

/// Before, a playbook with `rolling_versions` met a 409: the copy had the version of the original.
#[test]
fn after_a_rotation_to_the_next_version_a_playbook_that_names_it_finds_nothing_to_do() {
    let rig = Rig::up();
    let operator = rig.operator();
    let plain = Playbook { secret: "ans_db", value: "old value", rolling: false };
    let rolling = Playbook { secret: "ans_roll", value: "old value", rolling: true };
    assert_eq!((plain.changed(&rig, "app"), rolling.changed(&rig, "roller")), (2, 2));
    let run = || rig.served("app").len() == 1 && rig.served("roller").len() == 1;
    rig.wait_until("the services run", run);

    let plan = operator.windlass("plan rotate-secret -p secret=ans_db");
    assert!(all(&plan).contains("Ansible"), "{}", all(&plan));
    for secret in ["ans_db", "ans_roll_v1"] {
        let output = operator.rotate("rotate-secret", secret, "new value", "");
        assert_eq!(code(&output), 0, "{}", all(&output));
    }
    assert_eq!(rig.secret_names(), ["ans_db_v2", "ans_roll_v2"]);
    assert_eq!(label(&rig, "ans_roll_v2", "ansible_version").as_deref(), Some("2"));

    let before = (tasks(&rig, "app"), tasks(&rig, "roller"));
    let renamed = Playbook { secret: "ans_db_v2", value: "new value", rolling: false };
    assert_eq!(renamed.changed(&rig, "app"), 0);
    assert_eq!(Playbook { value: "new value", ..rolling }.changed(&rig, "roller"), 0);
    assert_eq!((tasks(&rig, "app"), tasks(&rig, "roller")), before, "nothing restarts");

    // The next version is Ansible's again, and not in the way of ours.
    assert_eq!(Playbook { value: "third", ..rolling }.changed(&rig, "roller"), 2);
    assert!(rig.secret_names().contains(&"ans_roll_v3".to_owned()));
}
