//! Heads leave the machine: at the end of a run, and once only.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use windlass_duty::publish::{
    Head, PublishError, Publisher, Publishing, end, held_back, published,
};
use windlass_engine::clock::SystemClock;
use windlass_engine::engine::{Engine, Options};
use windlass_engine::id::RunId;
use windlass_engine::journal::{Origin, text_hash};
use windlass_engine::runbook::Runbook;
use windlass_engine::secret::{Keyring, MasterKey, MemoryKeys};
use windlass_engine::step::Registry;
use windlass_stores::MemoryStore;

/// A place that notes what it gets, and can be out of reach.
#[derive(Default)]
struct Notebook {
    heads: Mutex<Vec<Head>>,
    out_of_reach: AtomicBool,
    woken: tokio::sync::Notify,
}

#[async_trait]
impl Publisher for Notebook {
    fn place(&self) -> String {
        "a notebook".to_owned()
    }

    async fn publish(&self, head: &Head) -> Result<(), PublishError> {
        if self.out_of_reach.load(Ordering::SeqCst) {
            let problem = "it is closed".to_owned();
            return Err(PublishError::Send { place: self.place(), problem });
        }
        self.heads.lock().unwrap().push(head.clone());
        self.woken.notify_one();
        Ok(())
    }
}

const TEXT: &str = "//! title = \"A note\"\nlet x = 1;\n";

fn by() -> Origin {
    Origin { user: "ada".to_owned(), ..Origin::default() }
}

/// Returns an engine over memory that knows no steps.
fn engine(store: Arc<MemoryStore>) -> Engine {
    let keyring = Keyring::new(MasterKey::from_bytes([5; 32]), Box::<MemoryKeys>::default());
    Engine::open(Options {
        store,
        keyring,
        steps: Registry::default(),
        clock: Arc::new(SystemClock),
        runtime: tokio::runtime::Handle::current(),
        process: by(),
        version: "0.1.0".to_owned(),
        points: None,
    })
    .unwrap()
}

/// Lets an engine make a run that is over.
async fn a_run(engine: &Engine) -> RunId {
    let runbook = Runbook::compile("note.rhai", TEXT, engine.steps()).unwrap();
    let handle = engine.start(&runbook, &by(), &[], Vec::new()).unwrap();
    let run = handle.run.clone();
    handle.outcome().await;
    run
}

async fn publishing() -> (Engine, Arc<Notebook>, Publishing) {
    let engine = engine(Arc::new(MemoryStore::new()));
    let notebook = Arc::new(Notebook::default());
    let publishing = Publishing::begin(engine.clone(), notebook.clone()).await.unwrap();
    (engine, notebook, publishing)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_head_is_published_once_and_it_is_the_hash_of_the_last_record() {
    let (engine, notebook, publishing) = publishing().await;
    let run = a_run(&engine).await;
    for _ in 0..2 {
        assert!(publishing.round().await.is_empty());
    }
    publishing.one(&run).await.unwrap();
    let heads = notebook.heads.lock().unwrap().clone();
    let records = engine.records(&run).unwrap();
    assert_eq!(heads.len(), 1);
    assert_eq!((&heads[0].run, heads[0].over), (&run, true));
    assert_eq!(heads[0].head, text_hash(records.last().unwrap()));
    assert_eq!(heads[0].seq + 1, records.len() as u64);
    assert_eq!(published(&engine).unwrap()[&run], heads[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_sent_holds_its_run_back_and_is_sent_later() {
    let (engine, notebook, publishing) = publishing().await;
    let run = a_run(&engine).await;
    notebook.out_of_reach.store(true, Ordering::SeqCst);
    let failed = publishing.round().await;
    assert!(failed[0].to_string().contains("a notebook: it is closed"));
    let over = [run];
    assert_eq!(held_back(&engine, &over).unwrap(), over);
    notebook.out_of_reach.store(false, Ordering::SeqCst);
    assert!(publishing.round().await.is_empty());
    assert!(held_back(&engine, &over).unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_held_back_where_heads_are_not_published() {
    let (engine, _, _) = publishing().await;
    let over = [a_run(&engine).await];
    assert_eq!(held_back(&engine, &over).unwrap(), over);
    end(&engine).unwrap();
    assert!(held_back(&engine, &over).unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_run_is_published_at_once() {
    let (engine, notebook, publishing) = publishing().await;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let hour = std::time::Duration::from_secs(3600);
    let stopping = async move {
        let _ = stopped.await;
    };
    let keeping = tokio::spawn(publishing.keep_on(hour, stopping));
    let run = a_run(&engine).await;
    let over = |notebook: &Notebook| -> Vec<Head> {
        notebook.heads.lock().unwrap().iter().filter(|head| head.over).cloned().collect()
    };
    while over(&notebook).is_empty() {
        notebook.woken.notified().await;
    }
    stop.send(()).unwrap();
    keeping.await.unwrap();
    let over = over(&notebook);
    assert_eq!((over.len(), &over[0].run), (1, &run));
}
