//! Takes secret values out of text that comes from elsewhere: daemon errors, container logs.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};

use super::Secret;

/// What stands in place of a value.
const MASK: &str = "***";

/// Values shorter than this are not searched for: a one-letter password would blank every text.
const LENGTH_MIN: usize = 4;

/// True if the value is too short to be taken out of a text.
pub(super) fn too_short(value: &Secret) -> bool {
    trimmed(value.expose()).len() < LENGTH_MIN
}

/// Returns the text with the values replaced, in the spellings in which programs print them: as
/// they are, without the final newline, line by line, JSON-escaped, base64, hex, URL-encoded.
pub(super) fn redact(text: &str, values: &[Secret]) -> String {
    let mut spellings: Vec<String> =
        values.iter().filter(|v| !too_short(v)).flat_map(|v| spellings(v.expose())).collect();
    // The longest first, so that no tail of a long spelling is left standing.
    spellings.sort_by_key(|s| std::cmp::Reverse(s.len()));
    spellings.iter().fold(text.to_owned(), |text, spelling| text.replace(spelling.as_str(), MASK))
}

fn trimmed(bytes: &[u8]) -> &[u8] {
    bytes.trim_ascii()
}

fn spellings(bytes: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for form in [bytes, trimmed(bytes)] {
        for engine in [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD] {
            found.push(engine.encode(form));
        }
        let hex: String = form.iter().map(|b| format!("{b:02x}")).collect();
        found.push(hex.to_uppercase());
        found.push(hex);
        found.push(url_encoded(form));
        let text = String::from_utf8_lossy(form);
        found.push(text.escape_debug().to_string());
        found.push(text.escape_default().to_string());
        found
            .extend(serde_json::to_string(&text).map(|quoted| quoted.trim_matches('"').to_owned()));
        // A program that prints a multi-line value prints it line by line.
        found.extend(text.lines().map(|line| line.trim().to_owned()));
        found.push(text.into_owned());
    }
    found.retain(|spelling| spelling.len() >= LENGTH_MIN);
    found
}

fn url_encoded(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|b| match b {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                char::from(*b).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.as_bytes().to_vec())
    }

    #[test]
    fn a_value_is_taken_out_in_every_spelling() {
        let value = secret("p@ss w\"rd\n");
        let base64 = STANDARD.encode("p@ss w\"rd\n");
        for text in [
            "login with p@ss w\"rd refused".to_owned(),
            r#"{"password":"p@ss w\"rd\n"}"#.to_owned(),
            format!("Data: {base64}"),
            "postgres://app:p%40ss%20w%22rd@db".to_owned(),
            "dump 70407373207722726".to_owned() + "4",
        ] {
            let clean = redact(&text, std::slice::from_ref(&value));
            assert!(clean.contains(MASK), "{text} -> {clean}");
            assert!(!clean.contains("p@ss"), "{text} -> {clean}");
        }
    }

    #[test]
    fn the_lines_of_a_key_are_each_taken_out() {
        let value = secret("-----BEGIN KEY-----\nc2VjcmV0\n-----END KEY-----\n");
        assert_eq!(redact("bad line c2VjcmV0 in key", &[value]), "bad line *** in key");
    }

    #[test]
    fn short_values_are_reported_and_not_searched_for() {
        let value = secret("ab\n");
        assert!(too_short(&value));
        assert_eq!(redact("a table of abstracts", &[value]), "a table of abstracts");
    }
}
