//! The last lines that a task wrote, to go with the error of a task that failed.

use std::time::Duration;

use futures_util::StreamExt;

use super::Swarm;

/// More than this of a log helps nobody in an error message.
const BYTES_MAX: usize = 4096;

/// Logs are a courtesy: an error must not wait long for them. The daemon gets them from the node
/// where the task ran, which may be down.
const WAIT: Duration = Duration::from_secs(3);

impl Swarm {
    /// Returns the last `lines` lines of a task's output, or nothing if they can't be had soon.
    ///
    /// They are other people's text: pass them through `Context::redact_foreign`.
    pub async fn last_log_lines(&self, task: &str, lines: u32) -> Option<String> {
        let query =
            [("stdout", "1".to_owned()), ("stderr", "1".to_owned()), ("tail", lines.to_string())];
        let path = format!("/tasks/{}/logs", super::connection::encoded(task));
        let mut stream = self.stream("GET", &path, &query).await.ok()?;
        let mut raw = Vec::new();
        let gather = async {
            while let Some(Ok(piece)) = stream.next().await {
                raw.extend_from_slice(&piece);
                if raw.len() > BYTES_MAX * 4 {
                    break;
                }
            }
        };
        // What came before the time was up is worth showing too.
        let _ = tokio::time::timeout(WAIT, gather).await;
        let text = text_of(&raw);
        let tail = text.trim_end();
        let start = tail.len().saturating_sub(BYTES_MAX);
        let start = (start..tail.len()).find(|i| tail.is_char_boundary(*i))?;
        Some(tail[start..].to_owned()).filter(|t| !t.is_empty())
    }
}

/// Returns the text of a multiplexed log: frames of a stream number (0 to 2), three zero bytes, a
/// big-endian length and as many bytes. Tasks with a terminal are not multiplexed; their text comes
/// as it is.
fn text_of(raw: &[u8]) -> String {
    let mut text = Vec::new();
    let mut rest = raw;
    while let Some((head, tail)) = rest.split_at_checked(8) {
        let [stream @ 0..=2, 0, 0, 0, length @ ..] = head else {
            text.extend_from_slice(rest);
            rest = &[];
            break;
        };
        let _ = stream;
        let length = length.iter().fold(0_usize, |n, b| (n << 8) | usize::from(*b));
        let (frame, next) = tail.split_at(length.min(tail.len()));
        text.extend_from_slice(frame);
        rest = next;
    }
    if text.is_empty() {
        text.extend_from_slice(rest);
    }
    String::from_utf8_lossy(&text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(stream: u8, text: &str) -> Vec<u8> {
        let mut frame = vec![stream, 0, 0, 0];
        frame.extend_from_slice(&u32::try_from(text.len()).unwrap().to_be_bytes());
        frame.extend_from_slice(text.as_bytes());
        frame
    }

    #[test]
    fn frames_of_both_streams_are_put_together() {
        let raw = [frame(1, "starting\n"), frame(2, "bad password\n")].concat();
        assert_eq!(text_of(&raw), "starting\nbad password\n");
    }

    #[test]
    fn a_log_that_was_cut_off_gives_what_there_is() {
        let raw = frame(1, "starting\n");
        assert_eq!(text_of(&raw[..12]), "star");
        assert_eq!(text_of(b""), "");
    }

    #[test]
    fn a_terminal_is_not_multiplexed() {
        assert_eq!(text_of(b"login failed\r\n"), "login failed\r\n");
    }
}
