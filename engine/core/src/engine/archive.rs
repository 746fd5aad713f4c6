//! What an engine shows of its journals to those who report on them or sign them.

use zeroize::Zeroizing;

use super::{Engine, EngineError};
use crate::clock::Millis;
use crate::id::RunId;
use crate::journal::{Archive, Hash};

impl Archive for Engine {
    type Error = EngineError;

    fn records(&self, run: &RunId) -> Result<Vec<Vec<u8>>, EngineError> {
        Engine::records(self, run)
    }

    fn text(&self, hash: &Hash) -> Result<Option<Vec<u8>>, EngineError> {
        Ok(self.store().value(hash)?)
    }

    fn damaged(&self, problem: String) -> EngineError {
        EngineError::Damaged(problem)
    }

    fn is_driven(&self, run: &RunId) -> bool {
        Engine::is_driven(self, run)
    }

    fn derived_key(&self, purpose: &str) -> Zeroizing<[u8; 32]> {
        Engine::derived_key(self, purpose)
    }

    fn now(&self) -> Millis {
        self.clock().now()
    }

    fn version(&self) -> &str {
        Engine::version(self)
    }
}
