//! `secret.generate`: a new random value, sealed in the run.
//!
//! | | |
//! |---|---|
//! | reads | the operating system's randomness |
//! | changes | nothing outside the run: the value exists only sealed in the journal |
//! | undoes | nothing: the value ends with the run's key |
//! | a `kill -9` before the outcome is recorded | loses the value, which nobody had; another is made |

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use windlass_engine::secret::Secret;
use windlass_engine::step::{About, ChangeStep, Context, Prepared, Probe, SealedRef, StepError};

/// The step.
pub struct Generate;

/// What it is told.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// How many characters, 8 to 4096.
    #[serde(default = "usual_length")]
    pub length: usize,
    /// Which characters.
    #[serde(default)]
    pub charset: Charset,
}

fn usual_length() -> usize {
    32
}

/// The characters of a generated value.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Charset {
    /// Letters and digits: safe in URLs, shells and configuration files.
    #[default]
    Alphanumeric,
    /// Letters without those that look alike (no 0 O 1 l I), and digits.
    Readable,
    /// 0-9 and a-f.
    Hex,
    /// Letters, digits and punctuation, without quotes, backslash and space.
    Symbols,
}

impl Charset {
    fn characters(self) -> &'static [u8] {
        match self {
            Charset::Alphanumeric => {
                b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
            }
            Charset::Readable => b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789",
            Charset::Hex => b"0123456789abcdef",
            Charset::Symbols => {
                b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#%&()*+,-./:;<=>?@[]^_{|}~"
            }
        }
    }

    /// Returns a random value of `length` characters.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    pub fn draw(self, length: usize) -> Result<Secret, getrandom::Error> {
        random(length, self.characters())
    }
}

#[async_trait]
impl ChangeStep for Generate {
    type Args = Args;
    type Base = ();
    type Output = SealedRef;

    fn about(&self) -> About {
        About {
            name: "secret.generate".into(),
            summary: "Make a new random value.".into(),
            reads: "The randomness of the operating system.".into(),
            changes: "Nothing: the value is sealed in the run until a step uses it.".into(),
            undo: "Nothing to undo: the value ends with the run.".into(),
            example:
                r#"let password = secret::generate(#{ length: 40, charset: "alphanumeric" });"#
                    .into(),
        }
    }

    async fn prepare(
        &self,
        cx: &Context,
        args: &Args,
    ) -> Result<Prepared<(), SealedRef>, StepError> {
        if !(8..=4096).contains(&args.length) {
            let message =
                format!("generate a value of {} characters: 8 to 4096 are possible", args.length);
            return Err(StepError::permanent("bad_arguments", message));
        }
        let expected = match cx.assumed() {
            // A plan gets a value too, so that later calls can check its length.
            Some(_) => self.apply(cx, args, &()).await?,
            None => SealedRef { name: format!("call {}", cx.key()) },
        };
        Ok(Prepared::new(
            (),
            expected,
            format!("make a random value of {} characters", args.length),
        ))
    }

    async fn apply(&self, cx: &Context, args: &Args, _: &()) -> Result<SealedRef, StepError> {
        let value = args.charset.draw(args.length).map_err(|error| {
            StepError::permanent("no_randomness", format!("generate a value: {error}"))
        })?;
        cx.seal(value)
    }

    async fn probe(&self, _: &Context, _: &Args, _: &()) -> Result<Probe<SealedRef>, StepError> {
        Ok(Probe::NotApplied)
    }

    async fn undo(&self, _: &Context, _: &Args, _: &(), _: &SealedRef) -> Result<(), StepError> {
        Ok(())
    }
}

/// Draws characters with equal chances: bytes past the last whole multiple are thrown away.
fn random(length: usize, characters: &[u8]) -> Result<Secret, getrandom::Error> {
    let fair = 256 - 256 % characters.len();
    // Room for all from the start: a vector that grows leaves copies behind.
    let mut value = Vec::with_capacity(length);
    let mut draw = [0_u8; 64];
    while value.len() < length {
        getrandom::fill(&mut draw)?;
        let fair_draws = draw.iter().filter(|b| usize::from(**b) < fair);
        let left = length - value.len();
        value.extend(fair_draws.take(left).map(|b| characters[usize::from(*b) % characters.len()]));
    }
    zeroize::Zeroize::zeroize(&mut draw);
    Ok(Secret::new(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_the_length_and_the_characters_asked_for() {
        for charset in [Charset::Alphanumeric, Charset::Readable, Charset::Hex, Charset::Symbols] {
            let value = charset.draw(500).unwrap();
            assert_eq!(value.len(), 500);
            assert!(value.expose().iter().all(|b| charset.characters().contains(b)));
        }
    }

    #[test]
    fn two_values_differ() {
        let a = Charset::default().draw(32).unwrap();
        assert!(a != Charset::default().draw(32).unwrap());
    }
}
