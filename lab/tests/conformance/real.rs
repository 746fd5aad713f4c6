//! The real swarm: Docker daemons of a lab, and the time of the wall.

use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use windlass_lab::{Lab, LabSpec, up};

use crate::place::World;

pub struct Real<'a> {
    runtime: &'a Runtime,
    lab: Mutex<Option<Lab>>,
    start: Instant,
}

impl<'a> Real<'a> {
    /// Makes a lab; `letter` tells it from those of other chapters.
    pub fn up(runtime: &'a Runtime, letter: char, nodes: usize, managers: usize) -> Self {
        let name = format!("{letter}{:x}", std::process::id());
        // Not skipped: a machine that can't run this test has not shown that it passes.
        let lab = runtime
            .block_on(up(&LabSpec { managers, ..LabSpec::new(&name, nodes) }, &|_| ()))
            .unwrap_or_else(|error| panic!("the comparison needs a real swarm: failed to {error}"));
        Self { runtime, lab: Mutex::new(Some(lab)), start: Instant::now() }
    }

    fn with(&self, name: &str, act: impl AsyncFnOnce(&mut Lab, usize)) {
        let mut lab = self.lab.lock().unwrap();
        let lab = lab.as_mut().unwrap();
        let index = lab.nodes.iter().position(|node| node.name == name).unwrap();
        self.runtime.block_on(act(lab, index));
    }

    pub fn socket(&self) -> PathBuf {
        let lab = self.lab.lock().unwrap();
        // The first manager made the swarm and leads it; with several, another one answers.
        let mut managers = lab.as_ref().unwrap().nodes.iter().filter(|node| node.manager);
        managers.next_back().unwrap().socket.clone()
    }
}

impl World for Real<'_> {
    fn now(&self) -> i64 {
        self.start.elapsed().as_millis().try_into().unwrap()
    }

    fn step(&self) -> bool {
        self.pass(Duration::from_millis(80));
        true
    }

    fn pass(&self, time: Duration) {
        std::thread::sleep(time);
    }

    fn kill_node(&self, name: &str) {
        self.with(name, async |lab, index| lab.kill_node(index).await.unwrap());
    }

    fn start_node(&self, name: &str) {
        self.with(name, async |lab, index| lab.start_node(index).await.unwrap());
    }
}

impl Drop for Real<'_> {
    fn drop(&mut self) {
        let lab = self.lab.lock().unwrap_or_else(|broken| broken.into_inner()).take();
        if let Some(lab) = lab
            && let Err(left) = self.runtime.block_on(lab.down())
        {
            eprintln!("the lab could not be removed: {left}");
        }
    }
}
