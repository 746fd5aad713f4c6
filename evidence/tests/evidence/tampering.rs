//! Everything that can be done to an evidence file is refused, with the place named.

use windlass_evidence::file::{
    EvidenceWriter, FORMAT, Made, Refusal, Verified, VerifyError, Why, export, verify,
};
use windlass_evidence::{PublicKey, SigningKey};
use windlass_journal::id::RunId;
use windlass_journal::text_hash;

use crate::journal::{Shelf, TEXT, by, records};

fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

/// A file with runs of so many secrets each.
fn file(key: &SigningKey, runs: &[(&str, &[Vec<u8>])]) -> Vec<u8> {
    let mut out = Vec::new();
    let (version, key_text) = ("0.1.0".to_owned(), key.public().to_string());
    let made = Made { format: FORMAT, at: 9, by: by(), version, key: key_text };
    let mut writer = EvidenceWriter::begin(&mut out, made).unwrap();
    for (run, records) in runs {
        writer.run(&RunId::from(*run), "note.rhai", TEXT, records).unwrap();
    }
    writer.end(key).unwrap();
    out
}

fn sample() -> Vec<u8> {
    file(&key(), &[("run_a", &records("run_a", 2)), ("run_b", &records("run_b", 1))])
}

fn check(file: &[u8]) -> Result<Verified, Refusal> {
    check_with(file, &[key().public()], &[])
}

fn check_with(file: &[u8], keys: &[PublicKey], heads: &[String]) -> Result<Verified, Refusal> {
    match verify(file, keys, heads) {
        Ok(verified) => Ok(verified),
        Err(VerifyError::Refused(refusal)) => Err(refusal),
        Err(VerifyError::Io(error)) => panic!("{error}"),
    }
}

fn lines(file: &[u8]) -> Vec<Vec<u8>> {
    file.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

/// Replaces a text in a line, which is numbered from 1.
fn with(file: &[u8], line: usize, from: &str, to: &str) -> Vec<u8> {
    let mut lines = lines(file);
    let text = String::from_utf8(lines[line - 1].clone()).unwrap();
    assert!(text.contains(from), "line {line} has no {from}: {text}");
    lines[line - 1] = text.replacen(from, to, 1).into_bytes();
    lines.concat()
}

#[test]
fn an_untouched_file_tells_what_is_in_it() {
    let verified = check(&sample()).unwrap();
    let told: Vec<_> = verified.runs.iter().map(|run| (run.run.as_str(), run.entries)).collect();
    assert_eq!(told, [("run_a", 6), ("run_b", 4)]);
    assert_eq!(verified.runs[1].head, text_hash(records("run_b", 1).last().unwrap()));
    assert_eq!((verified.made.by, verified.key), (by(), key().public()));
}

#[test]
fn a_record_stands_in_the_file_byte_for_byte() {
    assert_eq!(lines(&sample())[3], [&records("run_a", 2)[1][..], b"\n"].concat());
}

/// Lines of the sample: 1 head, 2 run_a, 3-8 records, 9 its end, 10 run_b, 11-14, 15, 16 the end.
#[test]
fn a_changed_record_is_named_by_its_line() {
    for line in [4, 6, 12] {
        let changed = with(&sample(), line, "create the secret", "delete the secret");
        let refusal = check(&changed).unwrap_err();
        assert_eq!(refusal.line, line as u64);
        assert!(matches!(refusal.why, Why::Changed(_)), "{refusal:?}");
    }
    // The first, whose change shows in the second; and the last, which has none behind it.
    assert_eq!(check(&with(&sample(), 3, "ada", "eve")).unwrap_err().line, 3);
    assert_eq!(check(&with(&sample(), 8, "done", "undone")).unwrap_err().line, 8);
    let hash = text_hash(&records("run_a", 2)[1]);
    let changed = with(&sample(), 5, &hash, &text_hash(b"another"));
    assert_eq!(check(&changed).unwrap_err().line, 5, "its `prev` was changed, not line 4");
}

#[test]
fn what_is_not_a_record_can_not_be_changed_either() {
    assert_eq!(check(&with(&sample(), 1, "ada", "eve")).unwrap_err().line, 1);
    assert_eq!(check(&with(&sample(), 2, "let x = 1", "let x = 2")).unwrap_err().line, 2);
    assert_eq!(check(&with(&sample(), 2, "note.rhai", "nope.rhai")).unwrap_err().line, 2);
    assert_eq!(check(&with(&sample(), 9, ":6,", ":7,")).unwrap_err().line, 9);
    assert_eq!(check(&with(&sample(), 16, ":15,", ":14,")).unwrap_err().line, 16);
    assert_eq!(check(&with(&sample(), 2, "{\"kind\"", "{ \"kind\"")).unwrap_err().line, 2);
}

#[test]
fn a_file_that_was_cut_is_refused_wherever_it_was_cut() {
    let sample = sample();
    for length in 0..sample.len() {
        let refusal = check(&sample[..length]).unwrap_err();
        let whole = sample[..length].iter().filter(|byte| **byte == b'\n').count() as u64;
        assert_eq!(refusal.why, Why::Cut, "after {length} bytes");
        assert!((whole.max(1)..=whole + 1).contains(&refusal.line), "after {length} bytes");
    }
}

#[test]
fn lines_that_were_removed_doubled_or_swapped_are_refused_where_it_begins() {
    let whole = lines(&sample());
    for one in 0..whole.len() {
        let mut removed = whole.clone();
        removed.remove(one);
        let refusal = check(&removed.concat()).unwrap_err();
        let at_most = (one as u64 + 2).min(removed.len() as u64);
        assert!(
            (one as u64..=at_most).contains(&refusal.line.max(1)),
            "{one} removed: {refusal:?}"
        );

        let mut doubled = whole.clone();
        doubled.insert(one, whole[one].clone());
        let refusal = check(&doubled.concat()).unwrap_err();
        assert_eq!(refusal.line, one as u64 + 2, "{one} doubled: {refusal:?}");

        for other in one + 1..whole.len() {
            let mut swapped = whole.clone();
            swapped.swap(one, other);
            let refusal = check(&swapped.concat()).unwrap_err();
            let near = one as u64 + 1..=one as u64 + 2;
            assert!(near.contains(&refusal.line), "{one} and {other} swapped: {refusal:?}");
        }
    }
}

#[test]
fn no_byte_can_be_changed() {
    let sample = sample();
    for place in 0..sample.len() {
        for flip in [0x01, 0x20] {
            let mut changed = sample.clone();
            changed[place] ^= flip;
            assert!(check(&changed).is_err(), "byte {place} was changed, and nobody says so");
        }
    }
    for added in [&b"\n"[..], b" ", b"{}\n"] {
        assert!(check(&[&sample, added].concat()).is_err());
        assert!(check(&[added, &sample].concat()).is_err());
    }
}

#[test]
fn another_key_is_told_apart_and_a_forger_has_no_signature() {
    let other = SigningKey::from_bytes(&[8; 32]);
    let refusal = check_with(&sample(), &[other.public()], &[]).unwrap_err();
    assert!(matches!(refusal, Refusal { line: 1, why: Why::OtherKey { .. } }), "{refusal:?}");
    check_with(&sample(), &[other.public(), key().public()], &[]).unwrap();

    // The forger knows the format, makes a whole new chain, and names the key of the victim.
    let forged = file(&other, &[("run_a", &records("run_a", 1))]);
    let forged = with(&forged, 1, &other.public().to_string(), &key().public().to_string());
    let end = lines(&forged).len();
    let before: Vec<u8> = lines(&forged)[..end - 1].concat();
    let said = lines(&file(&other, &[("run_a", &records("run_a", 1))]))[..end - 1].concat();
    let forged = with(&forged, end, &text_hash(&said), &text_hash(&before));
    let refusal = check(&forged).unwrap_err();
    assert_eq!(refusal, Refusal { line: end as u64, why: Why::Signature });
}

/// The signature of one file under another text.
#[test]
fn a_signature_can_not_be_moved() {
    let other = file(&key(), &[("run_a", &records("run_a", 1))]);
    let (mut moved, from) = (lines(&sample()), lines(&other));
    let end: serde_json::Value = serde_json::from_slice(moved.last().unwrap()).unwrap();
    let signed: serde_json::Value = serde_json::from_slice(from.last().unwrap()).unwrap();
    let text = String::from_utf8(moved.pop().unwrap()).unwrap();
    let (old, new) = (end["signature"].as_str().unwrap(), signed["signature"].as_str().unwrap());
    moved.push(text.replace(old, new).into_bytes());
    let refusal = check(&moved.concat()).unwrap_err();
    assert_eq!(refusal, Refusal { line: 16, why: Why::Signature });
}

/// Somebody with the key cuts the end of a journal off and signs the rest: only what was published
/// tells.
#[test]
fn a_file_that_was_cut_and_signed_again_shows_by_a_published_head() {
    let whole = records("run_a", 2);
    let head = text_hash(whole.last().unwrap());
    let earlier = text_hash(&whole[2]);
    let heads = [head.clone(), earlier];
    let honest = file(&key(), &[("run_a", &whole)]);
    let found = check_with(&honest, &[key().public()], &heads).unwrap().heads;
    assert_eq!(found.iter().map(|head| head.seq).collect::<Vec<_>>(), [2, 5]);

    let cut = file(&key(), &[("run_a", &whole[..4])]);
    check(&cut).unwrap();
    let refusal = check_with(&cut, &[key().public()], &[head]).unwrap_err();
    let said = refusal.why.to_string();
    assert!(said.contains("run_a ends at entry 3") && said.contains("cut off"), "{said}");
}

#[test]
fn a_later_format_is_refused_by_its_number() {
    let refusal = check(&with(&sample(), 1, "\"format\":1", "\"format\":2")).unwrap_err();
    assert_eq!(refusal, Refusal { line: 1, why: Why::TooNew(2) });
}

/// "It was changed" was said of what a later version had written.
#[test]
fn a_record_of_a_later_format_is_refused_by_its_number_too() {
    let refusal = check(&with(&sample(), 3, "{\"v\":1", "{\"v\":2")).unwrap_err();
    assert_eq!(refusal, Refusal { line: 3, why: Why::TooNew(2) });
}

/// A broken chain and a swapped text were signed, and whoever verified them had to find out.
#[test]
fn what_was_changed_in_the_store_is_not_signed() {
    let refused = |shelf: &Shelf, run: &str| {
        export(shelf, &[RunId::from(run)], &by(), Vec::new()).unwrap_err().to_string()
    };
    let mut shelf = Shelf::default();
    shelf.texts.insert(text_hash(TEXT.as_bytes()), TEXT.as_bytes().to_vec());
    shelf.journals.insert("run_whole".into(), records("run_whole", 2));
    let mut changed = records("run_changed", 2);
    changed[1] = String::from_utf8(changed[1].clone()).unwrap().replace("db_1", "db_9").into();
    shelf.journals.insert("run_changed".into(), changed);

    let mut out = Vec::new();
    export(&shelf, &[RunId::from("run_whole")], &by(), &mut out).unwrap();
    let verified = check_with(&out, &[SigningKey::of(&shelf).public()], &[]).unwrap();
    assert_eq!(verified.runs.len(), 1);
    assert!(refused(&shelf, "run_none").contains("no run_none"));
    let broken = refused(&shelf, "run_changed");
    assert!(broken.contains("entry 2 does not follow"), "{broken}");
    shelf.texts.insert(text_hash(TEXT.as_bytes()), b"another".to_vec());
    let swapped = refused(&shelf, "run_whole");
    assert!(swapped.contains("the text of its runbook"), "{swapped}");
}
