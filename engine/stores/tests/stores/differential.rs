//! Both stores give the same answers to the same questions.
//!
//! How: random sequences of operations go to both; every answer, errors included, is compared.

use proptest::prelude::*;
use windlass_journal::{JournalStore, StoreError};

use windlass_stores::conformance::{Home, bytes, run};

use crate::home::{InMemory, OnDisk};

#[derive(Debug, Clone)]
enum Op {
    /// Appends at the end of a run, or beside it by `off`.
    Append {
        run: u8,
        off: i64,
        length: usize,
    },
    Read {
        run: u8,
    },
    First {
        run: u8,
    },
    Forget {
        run: u8,
        length: usize,
    },
    Tombstones,
    PutSummary {
        run: u8,
        open: bool,
        length: usize,
    },
    Summaries {
        open_only: bool,
    },
    PutValue {
        name: u8,
        length: usize,
    },
    Value {
        name: u8,
    },
    RemoveValue {
        name: u8,
    },
    Values {
        after: u8,
        limit: usize,
    },
    Sync,
    Reopen,
}

fn length() -> impl Strategy<Value = usize> {
    prop_oneof![8 => 0..300_usize, 2 => 4_000..9_000_usize, 1 => 100_000..200_000_usize]
}

fn op() -> impl Strategy<Value = Op> {
    let off = prop_oneof![8 => Just(0_i64), 1 => Just(-1), 1 => Just(1)];
    prop_oneof![
        10 => (0..4_u8, off, length()).prop_map(|(run, off, length)| Op::Append { run, off, length }),
        3 => (0..5_u8).prop_map(|run| Op::Read { run }),
        1 => (0..5_u8).prop_map(|run| Op::First { run }),
        1 => (0..9_u8, length()).prop_map(|(run, length)| Op::Forget { run, length }),
        1 => Just(Op::Tombstones),
        3 => (0..4_u8, any::<bool>(), length())
            .prop_map(|(run, open, length)| Op::PutSummary { run, open, length }),
        2 => any::<bool>().prop_map(|open_only| Op::Summaries { open_only }),
        2 => (0..3_u8, length()).prop_map(|(name, length)| Op::PutValue { name, length }),
        2 => (0..4_u8).prop_map(|name| Op::Value { name }),
        1 => (0..4_u8).prop_map(|name| Op::RemoveValue { name }),
        1 => (0..4_u8, 0..4_usize).prop_map(|(after, limit)| Op::Values { after, limit }),
        2 => Just(Op::Sync),
        1 => Just(Op::Reopen),
    ]
}

/// What a store answers, without what may differ: positions, and paths in errors.
fn answer(store: &dyn JournalStore, op: &Op, nth: usize) -> String {
    fn told<T: std::fmt::Debug>(result: Result<T, StoreError>) -> String {
        result.map_or_else(|e| format!("error: {e}"), |answer| format!("{answer:?}"))
    }
    match op {
        Op::Append { run: r, off, length } => {
            let at = store.read(&run(r)).unwrap().len() as i64 + off;
            let seq = u64::try_from(at).unwrap_or_default();
            told(store.append(&run(r), seq, &bytes(nth, *length)).map(drop))
        }
        Op::Read { run: r } => told(store.read(&run(r))),
        Op::PutSummary { run: r, open, length } => {
            told(store.put_summary(&run(r), *open, &bytes(nth, *length)).map(drop))
        }
        Op::First { run: r } => told(store.first(&run(r))),
        Op::Forget { run: r, length } => {
            told(store.forget(&run(r), &bytes(nth, *length)).map(drop))
        }
        Op::Tombstones => told(store.tombstones()),
        Op::Summaries { open_only } => told(store.summaries(*open_only)),
        Op::PutValue { name, length } => {
            told(store.put_value(&format!("value {name}"), &bytes(nth, *length)).map(drop))
        }
        Op::RemoveValue { name } => told(store.remove_value(&format!("value {name}")).map(drop)),
        Op::Values { after, limit } => {
            told(store.values("value ", &format!("value {after}"), *limit))
        }
        Op::Value { name } => told(store.value(&format!("value {name}"))),
        Op::Sync | Op::Reopen => {
            let end = store.put_value("end", b"").unwrap();
            told(store.sync(end))
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn memory_and_disk_give_the_same_answers(ops in prop::collection::vec(op(), 1..60)) {
        let (mut memory, mut disk) = (InMemory::new(), OnDisk::new());
        for (nth, op) in ops.iter().enumerate() {
            let (memory_says, disk_says) =
                (answer(&*memory.store(), op, nth), answer(&*disk.store(), op, nth));
            prop_assert!(memory_says == disk_says, "{op:?}: {memory_says:.300} / {disk_says:.300}");
            if matches!(op, Op::Reopen) {
                memory.reopen();
                disk.reopen();
                prop_assert_eq!(memory.store().epoch(), disk.store().epoch());
            }
        }
    }
}
