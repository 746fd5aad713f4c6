//! A client that asks the application all the time, as a load balancer does: it goes to the next
//! node when one refuses the connection.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use windlass_lab::Lab;

/// A client that is asking.
pub(crate) struct Client {
    over: Arc<AtomicBool>,
    asking: JoinHandle<Asked>,
}

/// What came of it.
#[derive(Default)]
pub(crate) struct Asked {
    pub(crate) answered: usize,
    pub(crate) lost: Vec<String>,
}

impl Client {
    /// Begins to ask.
    pub(crate) fn asking(lab: &Lab) -> Self {
        let nodes: Vec<SocketAddr> =
            lab.nodes.iter().map(|node| SocketAddr::from((node.address, 8080))).collect();
        let over = Arc::new(AtomicBool::new(false));
        let until = over.clone();
        let asking = std::thread::spawn(move || {
            let mut asked = Asked::default();
            let mut first = 0;
            while !until.load(Ordering::SeqCst) {
                match ask(&nodes, &mut first) {
                    Ok(()) => asked.answered += 1,
                    Err(why) => asked.lost.push(why),
                }
                // About a hundred requests a second: all the time, and not all of the machine.
                std::thread::sleep(Duration::from_millis(10));
            }
            asked
        });
        Client { over, asking }
    }

    /// Stops asking.
    pub(crate) fn stop(self) -> Asked {
        self.over.store(true, Ordering::SeqCst);
        self.asking.join().unwrap()
    }
}

fn ask(nodes: &[SocketAddr], first: &mut usize) -> Result<(), String> {
    for turn in 0..nodes.len() {
        let node = nodes[(*first + turn) % nodes.len()];
        let Ok(mut stream) = TcpStream::connect_timeout(&node, Duration::from_secs(1)) else {
            continue;
        };
        *first = (*first + turn + 1) % nodes.len();
        let lost = |e: std::io::Error| format!("{node} accepted and then: {e}");
        stream.set_read_timeout(Some(Duration::from_secs(5))).map_err(lost)?;
        stream.write_all(b"GET / HTTP/1.0\r\nHost: app\r\n\r\n").map_err(lost)?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).map_err(lost)?;
        let whole = answer.starts_with("HTTP/1")
            && answer.contains(" 200 ")
            && answer.trim_end().ends_with('}');
        return if whole { Ok(()) } else { Err(format!("{node} answered {answer:?}")) };
    }
    Err("no node accepts".to_owned())
}
