//! What people see, as they see it: command, output, exit code.

use crate::{Operator, all};

impl Operator {
    /// Carries commands out and returns what a terminal would show, with what differs each time
    /// taken out.
    pub(crate) fn transcript(&self, commands: &[&str]) -> String {
        let told = |args: &&str| {
            let output = self.windlass(args);
            let code = output.status.code().unwrap();
            let code = if code == 0 { String::new() } else { format!("[{code}]\n") };
            self.redacted(&format!("$ windlass {args}\n{}{code}", all(&output)))
        };
        commands.iter().map(told).collect()
    }

    /// Takes out what is another each time: the home directory, names of runs, the swarm.
    pub(crate) fn redacted(&self, text: &str) -> String {
        let text = text.replace(self.home.path().to_str().unwrap(), "~");
        let lines = text.lines().map(|line| {
            let line = line.split(' ').map(word).collect::<Vec<_>>().join(" ");
            match line.strip_prefix("On the swarm ").and_then(|rest| rest.split_once(' ')) {
                Some((_, rest)) => format!("On the swarm SWARM {rest}"),
                None => line,
            }
        });
        lines.map(|line| line + "\n").collect()
    }
}

fn word(word: &str) -> String {
    match word.find("run_") {
        Some(at) if word.len() >= at + 30 => format!("{}RUN{}", &word[..at], &word[at + 30..]),
        _ => word.to_owned(),
    }
}
