//! A lab leaves nothing on the machine, however it ended.
//!
//! How: what names the lab (links, rules, mounts, groups, processes, files) must be gone; so
//! must everything in its namespaces, whatever it is called; and the rest of the machine must
//! be as before. Labs of other tests come and go meanwhile, so lines about them don't count.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use windlass_lab::{Lab, LabSpec, find, list, up};

use crate::support::{TestLab, docker, name};

#[tokio::test]
async fn two_labs_live_side_by_side_and_leave_nothing() {
    let before = machine();
    let (one, two) = tokio::join!(TestLab::up('a', 2, 1), TestLab::up('b', 3, 3));
    assert_ne!(one.gateway, two.gateway);
    let names = |lab: &Lab| docker(lab, 0, &["node", "ls", "-q"]).lines().count();
    assert_eq!((names(&one), names(&two)), (2, 3));
    assert!(two.status().await.iter().all(|node| node.manager));
    let found: Vec<String> = list().into_iter().map(|lab| lab.name).collect();
    assert!(found.contains(&one.name) && found.contains(&two.name), "{found:?}");
    assert_eq!(find(&two.name).unwrap(), *two);

    // The same name: in the same directory, and in another one, whose record must not stay.
    let elsewhere = tempfile::Builder::new().prefix("lab").tempdir().unwrap();
    for root in [one.root.clone(), elsewhere.path().join("x")] {
        let spec = LabSpec { root: root.clone(), ..LabSpec::new(&one.name, 1) };
        let again = up(&spec, &|_| {}).await.unwrap_err();
        assert!(again.to_string().contains("is up"), "{again}");
        assert_eq!(root.exists(), root == one.root);
    }

    let (first, second) = (Traces::of(&one).await, Traces::of(&two).await);
    one.down().await;
    first.assert_none();
    assert!(two.status().await.iter().all(|node| node.is_up()), "one lab took the other along");
    two.down().await;
    second.assert_none();
    assert_as_before(&before);
}

#[tokio::test]
async fn a_crashed_lab_is_removed_and_a_new_one_takes_its_place() {
    let before = machine();
    let mut lab = TestLab::up('c', 2, 1).await;
    let create = "service create --quiet --name app --mode global windlass/app:latest";
    docker(&lab, 0, &create.split_ascii_whitespace().collect::<Vec<_>>());
    let first = Traces::of(&lab).await;
    lab.kill_node(0).await.unwrap();
    lab.kill_node(1).await.unwrap();

    let spec = LabSpec::new(&lab.name, 1);
    let mut lab = up(&spec, &|_| {}).await.unwrap();
    first.assert_none_of_the_old();
    assert_eq!(docker(&lab, 0, &["service", "ls", "-q"]), "", "the new lab has old data");
    let second = Traces::of(&lab).await;
    lab.cut_power(0).await.unwrap();
    lab.down().await.unwrap();
    second.assert_none();
    assert_as_before(&before);
}

#[tokio::test]
async fn a_half_made_lab_is_removed_from_wherever_it_was_left() {
    let before = machine();
    let root = tempfile::Builder::new().prefix("lab").tempdir().unwrap();
    fs::write(root.path().join("notes"), "not the lab's").unwrap();
    let spec = LabSpec { root: root.path().to_owned(), ..LabSpec::new(&name('h'), 2) };
    // Dropped at ever later moments: in the network, in the daemons, in the swarm.
    for milliseconds in [5, 25, 60, 150, 400] {
        // The second `up` has to remove what is left of the first one.
        for _ in 0..2 {
            let half = up(&spec, &|_| {});
            let _ = tokio::time::timeout(Duration::from_millis(milliseconds), half).await;
        }
        let lab = Lab::open(root.path()).unwrap();
        let traces = Traces::of(&lab).await;
        lab.down().await.unwrap();
        traces.assert_none();
        let left: Vec<_> = fs::read_dir(root.path()).unwrap().collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }
    assert_as_before(&before);
}

/// By what the things of one lab can be recognised after it is gone.
struct Traces {
    words: Vec<String>,
    namespaces: BTreeSet<String>,
    /// Open namespaces keep their numbers; else the next lab's could have the same ones.
    _open: Vec<File>,
}

impl Traces {
    async fn of(lab: &Lab) -> Self {
        let (mut namespaces, mut open) = (BTreeSet::new(), Vec::new());
        for pid in lab.status().await.iter().filter_map(|node| node.pid) {
            for kind in ["net", "pid", "mnt", "uts"] {
                let process = PathBuf::from(format!("/proc/{pid}"));
                open.push(File::open(process.join("ns").join(kind)).unwrap());
                namespaces.extend(namespace(&process, kind));
            }
        }
        let words = vec![format!("wl-{}", lab.name), format!("{}-n", lab.name)];
        Self { words, namespaces, _open: open }
    }

    fn assert_none(&self) {
        self.assert_none_of_the_old();
        // An `up` that was dropped may have been waiting for a program, such as `ip link del`, which
        // the kernel lets end in its own time. It ends; what does not end is left over.
        let began = std::time::Instant::now();
        loop {
            let mut all = [lines(), processes()].concat();
            all.retain(|line| self.words.iter().any(|word| line.contains(word)));
            let Some(left) = all.first() else { return };
            assert!(began.elapsed() < Duration::from_secs(5), "left: {left}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn assert_none_of_the_old(&self) {
        for process in fs::read_dir("/proc").unwrap().flatten() {
            for kind in ["net", "pid", "mnt", "uts"] {
                let namespace = namespace(&process.path(), kind);
                let left = namespace.is_some_and(|name| self.namespaces.contains(&name));
                let command = fs::read_to_string(process.path().join("cmdline"));
                assert!(!left, "{:?} is in a namespace of the lab: {command:?}", process.path());
            }
        }
    }
}

fn namespace(process: &Path, kind: &str) -> Option<String> {
    let link = fs::read_link(process.join("ns").join(kind)).ok()?;
    Some(link.to_string_lossy().into_owned())
}

/// What any Docker daemon could have changed, apart from lines about labs.
fn machine() -> Vec<String> {
    let other = |line: &String| ["wl-", "netns", "windlass"].iter().any(|word| line.contains(word));
    lines().into_iter().filter(|line| !other(line)).collect()
}

/// Another Docker daemon that runs meanwhile leaves things that can't be told from ours.
fn assert_as_before(before: &[String]) {
    let foreign = |line: &String| {
        line.split(' ').next().is_some_and(|program| program.ends_with("dockerd"))
            && !line.contains("--cgroup-parent=/windlass-lab-")
    };
    if let Some(foreign) = processes().into_iter().find(foreign) {
        eprintln!("the machine is not compared with before: {foreign}");
        return;
    }
    let after = machine();
    let differ = |a: &[String], b: &[String]| -> Vec<String> {
        a.iter().filter(|line| !b.contains(line)).cloned().collect()
    };
    let (new, lost) = (differ(&after, before), differ(before, &after));
    assert!(new.is_empty() && lost.is_empty(), "new: {new:#?}, lost: {lost:#?}");
}

fn lines() -> Vec<String> {
    let mut lines = Vec::new();
    let mut add = |text: String| lines.extend(text.lines().map(str::to_owned));
    add(fs::read_to_string("/proc/self/mounts").unwrap());
    add(output("ip", &["-brief", "address"]));
    add(output("ip", &["route"]));
    for name in output("ip", &["netns"]).lines() {
        add(format!("netns {name}"));
    }
    // Rules only: the heads of tables come with the first look, and carry counters.
    let rules = output("iptables-save", &[]);
    add(rules.lines().filter(|line| line.starts_with('-')).collect::<Vec<_>>().join("\n"));
    for sysctl in ["net/ipv4/ip_forward", "kernel/hostname", "net/ipv4/conf/all/forwarding"] {
        add(fs::read_to_string(Path::new("/proc/sys").join(sysctl)).unwrap());
    }
    let directories = [
        "/run",
        "/run/netns",
        "/run/containerd",
        "/run/docker",
        "/etc",
        "/etc/docker",
        "/var/lib",
        "/var/lib/windlass-lab",
    ];
    for directory in directories {
        let entries = fs::read_dir(directory).into_iter().flatten().flatten();
        let mut paths: Vec<_> = entries.map(|entry| entry.path().display().to_string()).collect();
        paths.sort();
        add(paths.join("\n"));
    }
    // Control groups, three levels deep: controller, lab, node.
    add(output("find", &["/sys/fs/cgroup", "-maxdepth", "3", "-type", "d"]));
    lines
}

fn processes() -> Vec<String> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    entries
        .filter_map(|entry| fs::read_to_string(entry.path().join("cmdline")).ok())
        .map(|line| line.replace('\0', " "))
        .collect()
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}
