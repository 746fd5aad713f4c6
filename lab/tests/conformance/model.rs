//! The simulated swarm: a model with a clock that jumps to the next thing that is due.

use std::path::PathBuf;
use std::time::Duration;

use tokio::runtime::Runtime;
use windlass_lab::simulated::{Edit, Served, Simulated, SimulatedSpec};

use crate::place::World;

pub struct Virtual {
    swarm: Simulated,
    _served: Served,
    directory: tempfile::TempDir,
}

impl Virtual {
    pub fn up(runtime: &Runtime, nodes: usize, managers: usize) -> Self {
        let spec = SimulatedSpec { nodes, managers, ..SimulatedSpec::default() };
        let swarm = Simulated::new(&spec);
        if managers > 1 {
            // As in the real place, the one that answers does not lead.
            swarm.edit(&Edit::LeaderChange { ms: 0 }).unwrap();
        }
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("docker.sock");
        let served = runtime.block_on(swarm.serve(&socket)).unwrap();
        Self { swarm, _served: served, directory }
    }

    pub fn socket(&self) -> PathBuf {
        self.directory.path().join("docker.sock")
    }
}

impl World for Virtual {
    fn now(&self) -> i64 {
        self.swarm.now()
    }

    fn step(&self) -> bool {
        let due = self.swarm.next_due();
        due.inspect(|at| self.swarm.advance_to(*at)).is_some()
    }

    fn pass(&self, time: Duration) {
        let ms: i64 = time.as_millis().try_into().unwrap();
        self.swarm.advance_to(self.swarm.now() + ms);
    }

    fn kill_node(&self, name: &str) {
        self.swarm.edit(&Edit::NodeDown { node: name.to_owned() }).unwrap();
    }

    fn start_node(&self, name: &str) {
        self.swarm.edit(&Edit::NodeUp { node: name.to_owned() }).unwrap();
    }
}
