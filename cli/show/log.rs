//! Log lines: whatever is logged, a line of the log is one event.

use std::io::{Result, Write};

use windlass_engine::event::shown;

/// A writer of events to stderr, each of which is handed over whole and ends with a newline.
#[derive(Debug, Default)]
pub struct Lines;

impl Write for Lines {
    fn write(&mut self, event: &[u8]) -> Result<usize> {
        std::io::stderr().write_all(fit(event).as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> Result<()> {
        std::io::stderr().flush()
    }
}

fn fit(event: &[u8]) -> String {
    let event = String::from_utf8_lossy(event);
    let text = event.strip_suffix('\n').unwrap_or(&event);
    format!("{}\n", shown::in_one_line(text))
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<String>>);

    impl Write for Written {
        fn write(&mut self, event: &[u8]) -> Result<usize> {
            self.0.lock().unwrap().push_str(&fit(event));
            Ok(event.len())
        }

        fn flush(&mut self) -> Result<()> {
            Ok(())
        }
    }

    /// A parameter `x\nrun_01FAKE ends: done` made such a line in the daemon's log.
    #[test]
    fn an_event_is_one_line_whatever_it_tells() {
        let written = Written::default();
        let to = written.clone();
        let log = tracing_subscriber::fmt().with_ansi(false).with_writer(move || to.clone());
        tracing::subscriber::with_default(log.finish(), || {
            tracing::error!(why = "x\nrun_01FAKE ends: done\u{1b}[2J", "it\r\n\u{202e}failed");
        });
        let text = written.0.lock().unwrap().clone();
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(!text.trim_end_matches('\n').chars().any(shown::is_hidden), "{text}");
    }
}
