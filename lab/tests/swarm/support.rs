//! What the tests with real swarms share: a lab that is removed even if the test fails, and
//! ways to ask Docker and the app.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::ops::{Deref, DerefMut};
use std::time::{Duration, Instant};

use serde_json::Value;
use windlass_lab::{Lab, LabSpec, up};

/// A lab for one test, with a name that no other process uses.
pub struct TestLab(Option<Lab>);

impl TestLab {
    /// Makes a lab; `letter` tells the labs of one test apart.
    pub async fn up(letter: char, nodes: usize, managers: usize) -> Self {
        Self::with(&LabSpec { managers, ..LabSpec::new(&name(letter), nodes) }).await
    }

    pub async fn with(spec: &LabSpec) -> Self {
        let start = Instant::now();
        let progress = |line: &str| eprintln!("{:5.2} s {line}", start.elapsed().as_secs_f64());
        match up(spec, &progress).await {
            Ok(lab) => {
                progress("up");
                Self(Some(lab))
            }
            // Not skipped: a machine that can't run this test has not shown that it passes.
            Err(error) => panic!("tests with real swarms need a lab: failed to {error}"),
        }
    }

    pub async fn down(mut self) {
        let start = Instant::now();
        self.0.take().unwrap().down().await.unwrap();
        eprintln!("down in {:.2} s", start.elapsed().as_secs_f64());
    }
}

/// Returns a lab name of this process.
pub fn name(letter: char) -> String {
    format!("{letter}{:x}", std::process::id())
}

impl Deref for TestLab {
    type Target = Lab;
    fn deref(&self) -> &Lab {
        self.0.as_ref().unwrap()
    }
}

impl DerefMut for TestLab {
    fn deref_mut(&mut self) -> &mut Lab {
        self.0.as_mut().unwrap()
    }
}

impl Drop for TestLab {
    fn drop(&mut self) {
        let Some(lab) = self.0.take() else { return };
        let remove = || tokio::runtime::Runtime::new().unwrap().block_on(lab.down());
        // A runtime can't be started inside the test's own; a thread has none.
        let _ = std::thread::scope(|scope| scope.spawn(remove).join());
    }
}

/// Runs docker against a node and returns what it wrote; panics with its error if it failed.
pub fn docker(lab: &Lab, index: usize, arguments: &[&str]) -> String {
    lab.run(index, arguments).unwrap_or_else(|error| panic!("{error}"))
}

/// The same with something on its standard input.
pub fn docker_stdin(lab: &Lab, index: usize, arguments: &[&str], input: &[u8]) -> String {
    lab.run_with_input(index, arguments, input).unwrap_or_else(|error| panic!("{error}"))
}

/// Returns the app's answer, if it gives one.
pub fn ask(address: Ipv4Addr, port: u16, path: &str) -> Option<Value> {
    let to = SocketAddr::from((address, port));
    let mut stream = TcpStream::connect_timeout(&to, Duration::from_secs(1)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    head.contains(" 200 ").then(|| serde_json::from_str(body).unwrap())
}

/// Asks again and again until there is a good answer; panics after 40 s.
pub fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            eprintln!("{:5.2} s until {what}", start.elapsed().as_secs_f64());
            return answer;
        }
        assert!(start.elapsed() < Duration::from_secs(40), "not within 40 s: {what}");
        std::thread::sleep(Duration::from_millis(30));
    }
}
