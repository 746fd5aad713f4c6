//! Tell the public key with which evidence is verified.

use windlass_evidence::SigningKey;

use super::super::VIEWER;
use super::super::prelude::*;

/// The public key with which evidence of this state is verified.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct PublicKey {
    /// The key, in hexadecimal digits.
    pub key: String,
    /// Its short name.
    pub id: String,
}

/// Tell the public key with which evidence is verified.
pub struct Key;

impl Operation for Key {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/evidence/key";
    const NEED: Need = VIEWER;
    const ABOUT: &'static str = "Tell the public key with which evidence is verified";
    type Query = ();
    type Body = ();
    type Answer = PublicKey;

    async fn carry_out(desk: Desk, _: Call<(), ()>) -> Result<Answer<PublicKey>, Problem> {
        let key = SigningKey::of(&desk.engine).public();
        Ok(PublicKey { key: key.to_string(), id: key.id() }.into())
    }
}
