//! Reading an answer line by line.

use axum::body::Body;
use http_body_util::BodyExt;
use windlass_engine::secret::SecretBuffer;
use zeroize::Zeroizing;

use super::broken_off;
use crate::problem::Problem;
use crate::stream::problem_in;

/// The lines of an answer. A backup may hold keys: they are wiped.
pub struct Reading {
    body: Body,
    text: SecretBuffer,
    /// How much of the text has been handed out.
    read: usize,
}

impl Reading {
    pub(super) fn of(body: Body) -> Self {
        Reading { body, text: SecretBuffer::default(), read: 0 }
    }

    /// Returns the next line, without its end; nothing, if that was all.
    ///
    /// # Errors
    /// If something went wrong in the middle.
    pub async fn next(&mut self) -> Result<Option<Zeroizing<Vec<u8>>>, Problem> {
        loop {
            let rest = &self.text[self.read..];
            if let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                let line = Zeroizing::new(rest[..end].to_vec());
                self.read += end + 1;
                return match problem_in(&line) {
                    Some(problem) => Err(problem),
                    None => Ok(Some(line)),
                };
            }
            let Some(frame) = self.body.frame().await else { return Ok(None) };
            let frame = frame.map_err(|error| broken_off(&error.to_string()))?;
            let Ok(more) = frame.into_data() else { continue };
            let mut text = SecretBuffer::default();
            text.extend(&self.text[self.read..]);
            text.extend(&more);
            (self.text, self.read) = (text, 0);
        }
    }
}
