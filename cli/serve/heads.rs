//! Heads of journals, sent to a webhook.

use async_trait::async_trait;
use windlass_duty::notice;
use windlass_duty::publish::{Head, PublishError, Publisher};

/// The address of a webhook that keeps what it gets.
pub struct Webhook(pub String);

#[async_trait]
impl Publisher for Webhook {
    fn place(&self) -> String {
        // Not the whole address: what is behind the host may be a secret.
        let host = self.0.split('/').nth(2).unwrap_or_default();
        format!("the webhook at {host}")
    }

    async fn publish(&self, head: &Head) -> Result<(), PublishError> {
        let unsent = |problem: String| PublishError::Send { place: self.place(), problem };
        let body = serde_json::to_vec(head).map_err(|e| unsent(e.to_string()))?;
        notice::post(&self.0, body).await.map(drop).map_err(|refusal| unsent(refusal.message))
    }
}
