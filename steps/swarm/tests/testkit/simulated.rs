//! The simulated swarm as a ground: three nodes, no time but the model's.

use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use windlass_engine::clock::{Clock, Millis};
use windlass_lab::simulated::{Simulated, SimulatedSpec};
use windlass_swarm::docker::{Answer, Daemon};

use crate::ground::{Backend, Ground};

/// Longer than anything in these swarms takes.
const REST_MS: i64 = 60_000;

struct Model(Simulated);

/// Returns a swarm with nothing in it.
pub fn ground() -> Ground {
    let swarm = Simulated::new(&SimulatedSpec::default());
    Ground::over(Arc::new(Model(swarm)))
}

impl Daemon for Model {
    fn ask(&self, method: &str, target: &str, call: Option<&str>, body: &[u8]) -> Option<Answer> {
        let (status, pieces) = self.0.ask(method, target, call, body)?;
        Some(Answer { status, pieces })
    }
}

impl Backend for Model {
    fn rest(&self) {
        self.0.advance_to(self.0.now() + REST_MS);
    }

    fn moment(&self) {
        self.0.advance_to(self.0.now() + 10);
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(ModelClock(self.0.clone()))
    }

    fn values(&self) -> Value {
        let secrets = self.0.look().secrets.into_iter();
        secrets.map(|secret| (secret.name, json!(STANDARD.encode(secret.data)))).collect()
    }
}

/// Time moves when somebody waits.
struct ModelClock(Simulated);

#[async_trait]
impl Clock for ModelClock {
    fn now(&self) -> Millis {
        self.0.now()
    }

    async fn sleep_until(&self, deadline: Millis) {
        self.0.advance_to(deadline);
        tokio::task::yield_now().await;
    }
}
