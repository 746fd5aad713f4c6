//! What a plan asks of the swarm.

use std::collections::BTreeMap;

use tokio::runtime::Runtime;
use windlass_lab::simulated::{Simulated, SimulatedSpec};

use crate::{Operator, assert_says};

/// Makes a plan, and returns how often it asked for what, by path; an ID is a star.
fn asked_for(services: usize, args: &str) -> BTreeMap<String, usize> {
    let (operator, runtime) = (Operator::at_home(), Runtime::new().unwrap());
    let swarm = Simulated::new(&SimulatedSpec { services, ..SimulatedSpec::default() });
    let socket = operator.home.path().join("no.sock");
    let _served = runtime.block_on(swarm.serve(&socket)).unwrap();
    assert_says(&operator.windlass(&format!("plan {args}")), 0, &["What would be done"]);
    let mut asked = BTreeMap::new();
    for request in swarm.requests() {
        let path = request.target.split('?').next().unwrap();
        let path: Vec<&str> =
            path.split('/').map(|part| if part.len() == 25 { "*" } else { part }).collect();
        *asked.entry(path.join("/")).or_insert(0) += 1;
    }
    asked
}

/// It listed all services eight times, and read each that it would change four times.
#[test]
fn a_plan_lists_services_once_and_reads_none_of_them_again() {
    for runbook in ["rotate-secret-same-name", "rotate-secret"] {
        let asked = asked_for(40, &format!("{runbook} -p secret=shop003_db_password"));
        assert_eq!(asked.get("/services"), Some(&1), "{runbook}: {asked:?}");
        assert_eq!(asked.get("/services/*"), None, "{runbook}: {asked:?}");
        // Once for the plan, and once for the line that names the swarm.
        assert_eq!(asked.get("/nodes"), Some(&2), "{runbook}: {asked:?}");
    }
}
