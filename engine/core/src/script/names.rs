//! "Did you mean ...?"

/// Returns what a name that does not exist was probably meant to be, or what there is.
pub(crate) fn closest<'a>(name: &str, among: impl Iterator<Item = &'a str>) -> String {
    let mut all: Vec<&str> = among.collect();
    all.sort_unstable();
    all.dedup();
    match meant(name, &all) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("there are {}", all.join(", ")),
    }
}

/// Returns the name among these that differs from one that does not exist by a slip only: in two
/// letters, in three if it is long.
pub fn meant<'a>(name: &str, among: &[&'a str]) -> Option<&'a str> {
    let slips = if name.len() > 6 { 3 } else { 2 };
    let distance = |candidate: &&&str| strsim::osa_distance(name, candidate);
    let best = among.iter().filter(|candidate| **candidate != name).min_by_key(distance)?;
    let distance = strsim::osa_distance(name, best);
    (distance <= slips && distance < name.len()).then_some(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_told_from_another_word() {
        for (name, expected) in [
            ("servces", "did you mean `services`?"),
            ("idd", "did you mean `id`?"),
            ("di", "did you mean `id`?"),
            ("x", "there are id, name, services"),
            ("replicas", "there are id, name, services"),
        ] {
            assert_eq!(closest(name, ["services", "name", "id"].into_iter()), expected, "{name}");
        }
    }
}
