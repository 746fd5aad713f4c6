//! What is promised of values.

use super::{Home, bytes};

/// Values are kept by name.
pub fn values_are_kept_by_name(home: &mut dyn Home) {
    let store = home.store();
    assert_eq!(store.value("none").unwrap(), None);
    store.put_value("a", b"1").unwrap();
    store.put_value("b", b"").unwrap();
    store.put_value("a", b"2").unwrap();
    assert_eq!(store.value("a").unwrap().unwrap(), b"2");
    assert_eq!(store.value("b").unwrap().unwrap(), b"");
    let names = store.value_names().unwrap();
    assert!(["a", "b"].iter().all(|name| names.contains(&(*name).to_owned())), "{names:?}");
}

/// Values are listed by prefix in the order of their names.
pub fn values_are_listed_by_prefix_in_the_order_of_their_names(home: &mut dyn Home) {
    let store = home.store();
    for name in ["a/2", "b/1", "a/10", "a/1", "a", "a0"] {
        store.put_value(name, name.as_bytes()).unwrap();
    }
    let names = |prefix: &str, after: &str, limit: usize| -> Vec<String> {
        let found = store.values(prefix, after, limit).unwrap();
        assert!(found.iter().all(|(name, value)| name.as_bytes() == value));
        found.into_iter().map(|(name, _)| name).collect()
    };
    assert_eq!(names("a/", "", 9), ["a/1", "a/10", "a/2"]);
    assert_eq!(names("a/", "a/1", 9), ["a/10", "a/2"]);
    assert_eq!(names("a/", "a/1", 1), ["a/10"]);
    assert_eq!(names("a/", "a/2", 9), Vec::<String>::new());
    assert_eq!(names("c/", "", 9), Vec::<String>::new());
}

/// A value that was removed is gone after opening again.
pub fn a_value_that_was_removed_is_gone_after_opening_again(home: &mut dyn Home) {
    let store = home.store();
    store.put_value("v/long", &bytes(1, 20_000)).unwrap();
    store.put_value("v/short", b"1").unwrap();
    store.put_value("v/stays", b"2").unwrap();
    store.remove_value("v/never was").unwrap();
    store.remove_value("v/long").unwrap();
    store.sync(store.remove_value("v/short").unwrap()).unwrap();
    drop(store);
    home.reopen();
    let store = home.store();
    assert_eq!(store.values("v/", "", 9).unwrap(), [("v/stays".to_owned(), b"2".to_vec())]);
    assert_eq!(store.value("v/long").unwrap(), None);
    store.put_value("v/long", &bytes(2, 9_000)).unwrap();
    assert_eq!(store.value("v/long").unwrap().unwrap(), bytes(2, 9_000));
}
