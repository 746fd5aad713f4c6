//! Takes secret values out of text that comes from elsewhere: daemon errors, container logs.
//!
//! All spellings of all values of a run are searched for in one pass, by one automaton that is
//! built when it is first needed and kept until a value is added. It holds a value as a walk
//! through its states, a byte each, and nowhere as bytes in a row; the spellings that it is built
//! of are wiped. Spellings that are too long for it are made anew for a text that could hold one.

use std::fmt::Write;
use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use super::Secret;

/// What stands in place of a value.
const MASK: &str = "***";

/// Values shorter than this are not searched for: a one-letter password would blank every text.
const LENGTH_MIN: usize = 4;

/// Bytes of spellings that go into the automaton, which needs some thirty times as many while it
/// is built. A certificate with its chain fits.
const AUTOMATON_BYTES_MAX: usize = 256 * 1024;

/// Finds the values of a run in texts.
pub(super) struct Redactor {
    automaton: Option<AhoCorasick>,
    /// Bytes of the shortest spelling that is not in the automaton.
    beyond: Option<usize>,
    short: bool,
}

impl Redactor {
    /// Returns what finds these values in the spellings in which programs print them: as they are,
    /// without the final newline, line by line, JSON-escaped, base64, hex, URL-encoded.
    pub(super) fn of(values: &[Secret]) -> Self {
        let mut spellings: Vec<Spelling> = values.iter().flat_map(spellings).collect();
        spellings.sort_unstable_by_key(|spelling| spelling.len());
        let mut bytes = 0;
        let fit = |spelling: &&Spelling| {
            bytes += spelling.len();
            bytes <= AUTOMATON_BYTES_MAX
        };
        let fits = spellings.iter().take_while(fit).count();
        let beyond = spellings.get(fits).map(|spelling| spelling.len());
        let mut builder = AhoCorasick::builder();
        // Every occurrence is found, those too that overlap. A prefilter or a table of all bytes for
        // each state would keep the spellings as they are, or be many times as large.
        builder.match_kind(MatchKind::Standard).prefilter(false);
        builder.kind(Some(AhoCorasickKind::ContiguousNFA));
        let automaton = builder.build(&spellings[..fits]).ok().filter(|_| fits > 0);
        let short = values.iter().any(|value| value.expose().trim_ascii().len() < LENGTH_MIN);
        Redactor { automaton, beyond, short }
    }

    /// True if a value can't be found in a text, because it is too short.
    pub(super) fn misses(&self) -> bool {
        self.short
    }

    /// Returns the text with the values replaced; `values` are those that this was made of.
    pub(super) fn redact(&self, text: &str, values: impl FnOnce() -> Vec<Secret>) -> String {
        let automaton = self.automaton.iter();
        let mut found: Vec<Range<usize>> = automaton
            .flat_map(|automaton| automaton.find_overlapping_iter(text))
            .map(|found| found.range())
            .collect();
        if self.beyond.is_some_and(|bytes| bytes <= text.len()) {
            for spelling in values().iter().flat_map(spellings) {
                let places = text.match_indices(spelling.as_str());
                found.extend(places.map(|(at, _)| at..at + spelling.len()));
            }
            found.sort_unstable_by_key(|range| range.end);
        }
        let mut clean = String::with_capacity(text.len());
        let mut from = 0;
        for range in joined(found) {
            clean.push_str(&text[from..range.start]);
            clean.push_str(MASK);
            from = range.end;
        }
        clean.push_str(&text[from..]);
        clean
    }
}

/// Joins what overlaps, so that no tail of a spelling is left standing beside another.
///
/// They come in the order of their ends.
fn joined(found: Vec<Range<usize>>) -> Vec<Range<usize>> {
    let mut joined: Vec<Range<usize>> = Vec::new();
    for mut range in found {
        while let Some(last) = joined.pop_if(|last| last.end > range.start) {
            range = range.start.min(last.start)..range.end.max(last.end);
        }
        joined.push(range);
    }
    joined
}

type Spelling = Zeroizing<String>;

/// Returns the spellings of a value that is long enough to be searched for.
fn spellings(value: &Secret) -> Vec<Spelling> {
    let mut found = Vec::new();
    let (bytes, trimmed) = (value.expose(), value.expose().trim_ascii());
    if trimmed.len() < LENGTH_MIN {
        return found;
    }
    for form in [bytes, trimmed] {
        for engine in [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD] {
            found.push(Zeroizing::new(engine.encode(form)));
        }
        found.push(hex(form, |hex, byte| write!(hex, "{byte:02x}")));
        found.push(hex(form, |hex, byte| write!(hex, "{byte:02X}")));
        found.push(url_encoded(form));
        let text = Zeroizing::new(String::from_utf8_lossy(form).into_owned());
        found.push(collected(text.escape_debug()));
        found.push(collected(text.escape_default()));
        let quoted = serde_json::to_string(&*text).map(Zeroizing::new);
        found.extend(quoted.map(|quoted| Zeroizing::new(quoted.trim_matches('"').to_owned())));
        // A program that prints a multi-line value prints it line by line.
        found.extend(text.lines().map(|line| Zeroizing::new(line.trim().to_owned())));
        found.push(text);
    }
    found.retain(|spelling| spelling.len() >= LENGTH_MIN);
    found.sort_unstable_by(|a, b| a.as_str().cmp(b));
    found.dedup_by(|a, b| a.as_str() == b.as_str());
    found
}

/// Returns room for a spelling that does not grow, which would leave what it has outgrown behind.
fn room(bytes: usize) -> Spelling {
    Zeroizing::new(String::with_capacity(bytes))
}

fn collected(chars: impl Iterator<Item = char> + Clone) -> Spelling {
    let mut text = room(chars.clone().map(char::len_utf8).sum());
    text.extend(chars);
    text
}

fn hex(bytes: &[u8], digits: impl Fn(&mut String, u8) -> std::fmt::Result) -> Spelling {
    let mut text = room(2 * bytes.len());
    for byte in bytes {
        // Writing to a string does not fail.
        let _ = digits(&mut text, *byte);
    }
    text
}

fn url_encoded(bytes: &[u8]) -> Spelling {
    let mut text = room(3 * bytes.len());
    for byte in bytes {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                text.push(char::from(*byte));
            }
            other => {
                let _ = write!(text, "%{other:02X}");
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.as_bytes().to_vec())
    }

    fn redact(text: &str, values: &[&str]) -> String {
        let values = || values.iter().map(|value| secret(value)).collect::<Vec<_>>();
        Redactor::of(&values()).redact(text, values)
    }

    #[test]
    fn a_value_is_taken_out_in_every_spelling() {
        let base64 = STANDARD.encode("p@ss w\"rd\n");
        for text in [
            "login with p@ss w\"rd refused".to_owned(),
            r#"{"password":"p@ss w\"rd\n"}"#.to_owned(),
            format!("Data: {base64}"),
            "postgres://app:p%40ss%20w%22rd@db".to_owned(),
            "dump 70407373207722726".to_owned() + "4",
        ] {
            let clean = redact(&text, &["p@ss w\"rd\n"]);
            assert!(clean.contains(MASK), "{text} -> {clean}");
            assert!(!clean.contains("p@ss"), "{text} -> {clean}");
        }
    }

    #[test]
    fn the_lines_of_a_key_are_each_taken_out() {
        let key = "-----BEGIN KEY-----\nc2VjcmV0\n-----END KEY-----\n";
        assert_eq!(redact("bad line c2VjcmV0 in key", &[key]), "bad line *** in key");
    }

    #[test]
    fn short_values_are_reported_and_not_searched_for() {
        let redactor = Redactor::of(&[secret("ab\n")]);
        assert!(redactor.misses());
        assert_eq!(redact("a table of abstracts", &["ab\n"]), "a table of abstracts");
        assert!(!Redactor::of(&[secret("abcd")]).misses());
    }

    /// Spelling by spelling, the longest first, `correct` went and `horse` stayed.
    #[test]
    fn values_that_overlap_are_taken_out_whole() {
        let values = ["horsecorrect", "correctbattery", "ectb"];
        assert_eq!(redact("<horsecorrectbattery>", &values), "<***>");
        assert_eq!(redact("horsecorrecthorsecorrect", &values), "******");
        assert_eq!(redact("é correctb é", &values), "é corr*** é");
    }

    #[test]
    fn a_value_that_is_too_long_for_the_automaton_is_taken_out_too() {
        let long = "0123456789abcdef".repeat(AUTOMATON_BYTES_MAX / 16 + 1);
        let text = format!("before {long} canary after");
        assert_eq!(redact(&text, &[&long, "canary"]), "before *** *** after");
        assert_eq!(redact("canary 0123456789abcdef", &[&long, "canary"]), "*** 0123456789abcdef");
    }

    /// What was taken out spelling by spelling is taken out now, whatever the values and the text.
    #[test]
    fn no_value_is_left_in_any_text_made_of_pieces_of_values() {
        let values = ["aabb", "bbaa", "abababab", "bbbbb"];
        let redactor = Redactor::of(&values.map(secret));
        for n in 0..1_u32 << 14 {
            let letter = |bit: u32| if n >> bit & 1 == 1 { 'a' } else { 'b' };
            let text: String = (0..14).map(letter).collect();
            let clean = redactor.redact(&text, Vec::new);
            assert!(values.iter().all(|value| !clean.contains(value)), "{text} -> {clean}");
        }
    }
}
