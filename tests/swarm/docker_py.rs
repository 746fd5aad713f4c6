//! docker-py's own integration tests of services, secrets, configs, nodes and the swarm: on a real
//! swarm, and on the simulated one, which must pass what the real one passes.
//!
//! The tests are the real ones, from PyPI. They leave the node's swarm and make another one, many
//! times: the real side has a lab of one node to itself.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use tokio::runtime::Runtime;
use windlass_lab::simulated::{Simulated, SimulatedSpec};

use crate::rig::{Rig, all};

const FILES: [&str; 7] = [
    "api_service_test",
    "api_secret_test",
    "api_config_test",
    "api_swarm_test",
    "models_services_test",
    "models_swarm_test",
    "models_nodes_test",
];

/// These read a file in a container with `docker exec`, of an image that they pull. The simulated
/// swarm has no `exec`: no container runs there. What a container is served is asked of the lab's
/// own app, in the conformance suite.
const LEFT_OUT: [&str; 4] = [
    "test_create_service_with_config",
    "test_create_service_with_secret",
    "test_create_service_with_unicode_config",
    "test_create_service_with_unicode_secret",
];

/// Its authors skip this one: it stalled the engine once.
const SKIPPED: [&str; 1] = ["api_swarm_test.py::SwarmTest::test_init_swarm_force_new_cluster"];

/// Of these the authors say that they may fail (`xfail`): they pass or fail by the network cards
/// of the machine, by the moment, or always.
const EITHER_WAY: [&str; 3] = [
    "api_swarm_test.py::SwarmTest::test_init_swarm_data_path_addr",
    "api_swarm_test.py::SwarmTest::test_init_swarm_with_log_driver",
    "models_services_test.py::ServiceTest::test_update_retains_networks",
];

/// How each test ended, in one word of pytest's.
type Outcomes = BTreeMap<String, String>;

#[test]
fn docker_pys_own_tests_pass_on_the_simulated_swarm_as_on_a_real_one() {
    let made = environment();
    let rig = Rig::of(1);
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("simulated.sock");
    let runtime = Runtime::new().unwrap();
    let spec = SimulatedSpec { nodes: 1, services: 0, ..Default::default() };
    let swarm = Simulated::new(&spec);
    let _served = runtime.block_on(swarm.serve(&socket)).unwrap();
    let _flow = runtime.block_on(async { swarm.flow(5.0) });
    let host = format!("unix://{}", socket.display());
    let (real, simulated) = std::thread::scope(|scope| {
        let real = scope.spawn(|| outcomes(&made, &rig.lab().docker_host()));
        let simulated = outcomes(&made, &host);
        (real.join().unwrap(), simulated)
    });
    for (place, (seen, text)) in [("real", &real), ("simulated", &simulated)] {
        let ended = |word: &str| -> Vec<&str> {
            seen.iter().filter(|(_, how)| *how == word).map(|(name, _)| name.as_str()).collect()
        };
        assert_eq!(ended("FAILED"), [""; 0], "{place}: {text}");
        assert_eq!(ended("ERROR"), [""; 0], "{place}: {text}");
        assert_eq!(ended("SKIPPED"), SKIPPED, "{place}: {text}");
        assert_eq!(ended("either way"), EITHER_WAY, "{place}: {text}");
        assert_eq!(ended("PASSED").len(), 110, "{place}: {text}");
    }
    assert_eq!(real.0, simulated.0);
}

/// Returns where docker-py and its tests are installed.
fn environment() -> PathBuf {
    let mut command = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/docker-py"));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", all(&output));
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())
}

/// Runs the tests against a daemon; returns how each ended, and what was printed.
fn outcomes(made: &Path, host: &str) -> (Outcomes, String) {
    let mut command = Command::new(made.join("bin/python"));
    command.args(["-m", "pytest", "-v", "--tb=short", "-p", "no:cacheprovider", "--rootdir", "."]);
    let leave_out: Vec<String> = LEFT_OUT.iter().map(|name| format!("not {name}")).collect();
    command.arg("-k").arg(leave_out.join(" and "));
    command.args(FILES.map(|file| format!("tests/integration/{file}.py")));
    command.current_dir(made.join("suite")).env("PYTHONDONTWRITEBYTECODE", "1");
    command.env("DOCKER_HOST", host).env("DOCKER_TEST_API_VERSION", "1.41");
    command.env_remove("DOCKER_TLS_VERIFY").env_remove("DOCKER_CERT_PATH");
    let text = all(&command.output().unwrap());
    let mut outcomes = Outcomes::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        let name = words.next().and_then(|word| word.strip_prefix("tests/integration/"));
        if let (Some(name), Some(how)) = (name.filter(|name| name.contains("::")), words.next()) {
            let how = if how == "XPASS" || how == "XFAIL" { "either way" } else { how };
            outcomes.insert(name.to_owned(), how.to_owned());
        }
    }
    (outcomes, text)
}
