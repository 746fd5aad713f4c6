//! What a secret may be called, and what its successor is called.
//!
//! | now | next | |
//! |---|---|---|
//! | `db_password` | `db_password_v2` | |
//! | `db_password_v2` | `db_password_v3` | also `-v2`, `.v2`; leading zeros stay |
//! | `db_password_20260131` | `db_password_20261121` | today's date, in the same form |
//! | `db_password_20261121` | `db_password_20261121_2` | today's date is taken |
//!
//! Names that are taken are passed over. All that one name can become in this way, and what it can
//! have been before, are versions of the same secret; [`newest`] finds the last of them.

use jiff::civil::Date;

/// The longest name that the swarm takes.
pub(super) const LENGTH_MAX: usize = 64;

/// Returns what is wrong with a name, if anything: code and message.
pub(super) fn wrong(name: &str) -> Option<(&'static str, String)> {
    let characters = name.chars().count();
    if characters > LENGTH_MAX {
        let message = format!(
            "`{name}` has {characters} characters, and a secret's name at most {LENGTH_MAX}"
        );
        return Some(("name_too_long", message));
    }
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    if name.chars().all(inner) && ends(name.chars().next()) && ends(name.chars().next_back()) {
        return None;
    }
    let message = format!(
        "`{name}` is not a secret's name: letters, digits and - _ . inside, a letter or digit at both ends"
    );
    Some(("bad_name", message))
}

/// Returns the name of the successor, on this day, passing over the names that are taken.
pub(super) fn next(name: &str, today: Date, taken: impl Fn(&str) -> bool) -> String {
    if let Some((dated, counter)) = dated(name, today) {
        return match counter {
            0 if !taken(&dated) => dated,
            counter => counted(|n| format!("{dated}_{n}"), (counter + 1).max(2), taken),
        };
    }
    match versioned(name) {
        Some((stem, version, width)) => {
            counted(|n| format!("{stem}{n:0width$}"), version.saturating_add(1), taken)
        }
        None => counted(|n| format!("{name}_v{n}"), 2, taken),
    }
}

/// Returns the newest of the names that are versions of one name.
pub(super) fn newest<'a>(of: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    names.filter_map(|name| Some((rank(of, name)?, name))).max().map(|(_, name)| name)
}

/// Returns where a name stands among the versions of another, by date or by number; nothing, if it
/// is none of them.
fn rank<'a>(of: &str, name: &'a str) -> Option<(&'a str, u64)> {
    if let Some((stem, form, ..)) = with_date(of) {
        let (other, other_form, date, counter) = with_date(name)?;
        return ((stem, form) == (other, other_form)).then_some((date, counter));
    }
    let stem = unversioned(of);
    if name == stem {
        return Some(("", 0));
    }
    let (_, version, _) = versioned(name)?;
    (unversioned(name) == stem).then_some(("", version))
}

/// Returns `db` for `db_v07`, and a name without a version as it is.
fn unversioned(name: &str) -> &str {
    // The `v`, and what is before it.
    versioned(name).map_or(name, |(stem, ..)| &stem[..stem.len() - 2])
}

/// Splits `db_20261121_2` into `db_`, the form of the date, the date, and the counter.
fn with_date(name: &str) -> Option<(&str, &'static str, &str, u64)> {
    let counted = name.rsplit_once('_').and_then(|(day, counter)| {
        date_at_end(day).filter(|_| counter.len() <= 3)?;
        Some((day, counter.parse().ok()?))
    });
    let (of_day, counter) = counted.unwrap_or((name, 1));
    let (stem, form) = date_at_end(of_day)?;
    stem.ends_with(['_', '-', '.']).then(|| (stem, form, &of_day[stem.len()..], counter))
}

fn counted(name: impl Fn(u64) -> String, first: u64, taken: impl Fn(&str) -> bool) -> String {
    let mut n = first;
    while taken(&name(n)) && n < u64::MAX {
        n += 1;
    }
    name(n)
}

/// Splits `db_v07` into `db_v`, 7 and the width 2.
fn versioned(name: &str) -> Option<(&str, u64, usize)> {
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = &name[stem.len()..];
    let before_v = stem.strip_suffix('v')?;
    before_v.ends_with(['_', '-', '.']).then_some(())?;
    Some((stem, digits.parse().ok()?, digits.len()))
}

/// Returns the name with today's date in place of the one at its end, and the counter to go on
/// from: 0 unless the name is of today already.
fn dated(name: &str, today: Date) -> Option<(String, u64)> {
    let (stem, form, date, counter) = with_date(name)?;
    let now = today.strftime(form).to_string();
    let counter = if now == date { counter } else { 0 };
    Some((format!("{stem}{now}"), counter))
}

fn date_at_end(name: &str) -> Option<(&str, &'static str)> {
    for (form, length) in [("%Y-%m-%d", 10), ("%Y_%m_%d", 10), ("%Y%m%d", 8)] {
        let Some((stem, date)) =
            name.len().checked_sub(length).and_then(|at| name.split_at_checked(at))
        else {
            continue;
        };
        let plausible = Date::strptime(form, date).is_ok_and(|d| (2000..2200).contains(&d.year()));
        if plausible && !stem.is_empty() {
            return Some((stem, form));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn successors_follow_the_form_of_the_name() {
        let taken = ["db_v5", "x_v2", "x_v3", "d_20261121", "d_20261121_2"];
        for (name, successor) in [
            ("db_password", "db_password_v2"),
            ("db_v1", "db_v2"),
            ("db-v9", "db-v10"),
            ("db.v009", "db.v010"),
            ("db_v4", "db_v6"),
            ("x", "x_v4"),
            ("mailv2", "mailv2_v2"),
            ("v2", "v2_v2"),
            ("db_20260131", "db_20261121"),
            ("db-2026-01-31", "db-2026-11-21"),
            ("db_2026_01_31", "db_2026_11_21"),
            ("db_20261121", "db_20261121_2"),
            ("db_20261121_2", "db_20261121_3"),
            ("d_20260101", "d_20261121_3"),
            ("build_20269999", "build_20269999_v2"),
            ("20260131", "20260131_v2"),
        ] {
            let unavailable = |n: &str| n == name || taken.contains(&n);
            assert_eq!(next(name, date(2026, 11, 21), unavailable), successor, "{name}");
        }
    }

    #[test]
    fn the_newest_version_is_found_by_any_name_that_it_had() {
        let there = [
            "db_password",
            "db_password_v2",
            "db_password_v10",
            "db_password_old",
            "xdb_password_v99",
            "db_v7",
            "db-v8",
            "d_20260131",
            "d_20261121",
            "d_20261121_2",
            "d_2026-12-01",
            "mailv2",
            "é_v2",
            "k",
        ];
        for (of, newest_one) in [
            ("db_password", Some("db_password_v10")),
            ("db_password_v1", Some("db_password_v10")),
            ("db_password_v99", Some("db_password_v10")),
            ("db", Some("db-v8")),
            ("d_20200101", Some("d_20261121_2")),
            ("d_2026-01-31", Some("d_2026-12-01")),
            ("mail", None),
            ("mailv2", Some("mailv2")),
            ("é", Some("é_v2")),
            ("k_v3", Some("k")),
            ("nothing", None),
        ] {
            assert_eq!(newest(of, there.into_iter()), newest_one, "{of}");
        }
    }

    #[test]
    fn names_are_checked_as_the_swarm_does() {
        assert_eq!(wrong("db_password.tmp"), None);
        assert_eq!(wrong("a"), None);
        assert_eq!(wrong(&"a".repeat(64)), None);
        assert_eq!(wrong(&"a".repeat(65)).unwrap().0, "name_too_long");
        for name in ["", "-a", "a-", "a b", "a/b", ".tmp", "pä"] {
            assert_eq!(wrong(name).unwrap().0, "bad_name", "{name}");
        }
    }
}
