//! Another engine than the machine's.

use std::fs;
use std::path::PathBuf;

use windlass_lab::LabSpec;

use crate::support::{TestLab, name};

/// Returns which programs the processes are that name this in their arguments.
fn running(named: &str) -> Vec<PathBuf> {
    let processes = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let named = processes.filter(|process| {
        let arguments = fs::read(process.path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&arguments).contains(named)
    });
    named.filter_map(|process| fs::read_link(process.path().join("exe")).ok()).collect()
}

#[tokio::test]
async fn a_lab_runs_the_engine_that_it_is_told_also_after_a_restart() {
    let place = tempfile::Builder::new().prefix("engine").tempdir().unwrap();
    for (program, part) in [("dockerd", "usr/sbin"), ("containerd", "usr/bin")] {
        let path = std::env::var_os("PATH").unwrap();
        let system = ["/usr/sbin", "/usr/bin", "/usr/local/bin"].map(PathBuf::from);
        let mut found = std::env::split_paths(&path).chain(system).map(|part| part.join(program));
        fs::create_dir_all(place.path().join(part)).unwrap();
        fs::copy(found.find(|p| p.is_file()).unwrap(), place.path().join(part).join(program))
            .unwrap();
    }
    let engine = Some(place.path().to_owned());
    let mut lab = TestLab::with(&LabSpec { engine, ..LabSpec::new(&name('e'), 1) }).await;
    let own = |lab: &TestLab| {
        let programs = running(&lab.root.display().to_string());
        let own = programs.into_iter().filter(|program| program.starts_with(place.path()));
        let mut own: Vec<String> =
            own.map(|p| p.file_name().unwrap().to_string_lossy().into_owned()).collect();
        own.sort();
        // It runs itself for short tasks.
        own.dedup();
        own
    };
    assert_eq!(own(&lab), ["containerd", "dockerd"]);
    lab.stop_node(0).await.unwrap();
    assert!(own(&lab).is_empty());
    let mut found = windlass_lab::find(&lab.name).unwrap();
    found.start_node(0).await.unwrap();
    assert_eq!(own(&lab), ["containerd", "dockerd"]);
    lab.down().await;
}
