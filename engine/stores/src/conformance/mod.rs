//! What every store promises, as tests for whoever writes one.
//!
//! Give [`conformance!`](crate::conformance) an expression that makes a [`Home`] for the store, and
//! it makes a test of each promise:
//!
//! ```ignore
//! mod in_memory {
//!     windlass_stores::conformance!(super::InMemory::new());
//! }
//! ```

#![expect(clippy::unwrap_used, reason = "these are tests: a failed one should say where")]

pub mod journals;
pub mod lease;
pub mod values;

use std::sync::Arc;

use windlass_journal::JournalStore;
use windlass_journal::id::RunId;

/// A place where a store can be closed and opened again.
pub trait Home {
    /// Returns the store as it is open now.
    fn store(&self) -> Arc<dyn JournalStore>;

    /// Closes the store and opens it again, as after a crash or a restart. The caller must have let go of it.
    fn reopen(&mut self);
}

/// Returns the name of a run that tests write to.
pub fn run(n: impl std::fmt::Display) -> RunId {
    RunId::from(format!("run_{n}").as_str())
}

/// Returns bytes that differ with `n`.
pub fn bytes(n: usize, length: usize) -> Vec<u8> {
    (0..length).map(|i| ((i * 31 + n * 7) % 251) as u8).collect()
}

/// Makes a test of every promise, for the stores of a home that an expression makes.
#[macro_export]
macro_rules! conformance {
    ($home:expr) => {
        $crate::conformance_tests!($home, journals:
            records_come_back_in_order_and_before_any_sync,
            an_entry_that_exists_is_a_conflict_and_stays_as_it_was,
            an_entry_after_a_gap_is_refused,
            what_was_synced_is_there_after_opening_again,
            one_sync_covers_everything_before_it,
            runs_whose_names_begin_alike_are_kept_apart,
            summaries_are_listed_by_run_and_by_whether_it_is_open,
            the_first_record_tells_how_a_run_began,
            a_run_that_was_forgotten_leaves_its_tombstone_and_nothing_else,
            nothing_is_written_under_the_name_of_a_forgotten_run,
            what_was_read_is_durable_after_a_sync_up_to_the_end,
            long_records_and_values_come_back_whole,
            thousands_of_runs_are_kept_apart,
            many_threads_append_and_sync_at_once,
            appending_goes_on_where_an_earlier_opening_ended,
        );
        $crate::conformance_tests!($home, values:
            values_are_kept_by_name,
            values_are_listed_by_prefix_in_the_order_of_their_names,
            a_value_that_was_removed_is_gone_after_opening_again,
        );
        $crate::conformance_tests!($home, lease:
            every_opening_raises_the_epoch,
            an_open_store_holds_its_lease,
        );
    };
}

/// Makes a test of each promise of a module. Only [`conformance!`](crate::conformance) needs it.
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_tests {
    ($home:expr, $module:ident: $($promise:ident,)*) => {
        $(
            #[test]
            fn $promise() {
                $crate::conformance::$module::$promise(&mut $home);
            }
        )*
    };
}

#[cfg(test)]
mod tests {
    /// A promise that is not in the list is tried on no store.
    #[test]
    fn every_promise_is_in_the_list() {
        let list = include_str!("mod.rs");
        let promises =
            [include_str!("journals.rs"), include_str!("lease.rs"), include_str!("values.rs")];
        let names = promises.iter().flat_map(|text| text.lines()).filter_map(|line| {
            line.strip_prefix("pub fn ")?.strip_suffix("(home: &mut dyn Home) {")
        });
        let names: Vec<&str> = names.collect();
        assert!(names.len() > 15);
        for name in names {
            assert!(list.contains(&format!("            {name},\n")), "{name}");
        }
    }
}
