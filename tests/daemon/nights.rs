//! The schedule of the book, for three nights on a simulated swarm.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::runtime::Handle;
use tokio::sync::watch;
use windlass_basic::BasicSteps;
use windlass_duty::Supplies;
use windlass_duty::notice::Outbox;
use windlass_duty::schedule::{Book, Config, Origin, Ticker, check};
use windlass_engine::clock::{Clock, Millis, SystemClock};
use windlass_engine::engine::{Engine, Options};
use windlass_engine::event::Status;
use windlass_engine::journal::Origin as By;
use windlass_engine::secret::{Keyring, MasterKey, MemoryKeys, Secret};
use windlass_engine::step::{Family, Registry};
use windlass_lab::simulated::{Simulated, SimulatedSpec};
use windlass_stores::MemoryStore;
use windlass_swarm::SwarmSteps;
use windlass_swarm::docker::{Environment, Swarm};

/// A clock that goes as the machine's does, and can be put forward.
struct Forward(watch::Sender<Millis>);

#[async_trait]
impl Clock for Forward {
    fn now(&self) -> Millis {
        SystemClock.now() + *self.0.borrow()
    }

    async fn sleep_until(&self, deadline: Millis) {
        let mut moved = self.0.subscribe();
        loop {
            let by = *moved.borrow_and_update();
            tokio::select! {
                () = SystemClock.sleep_until(deadline - by) => return,
                // It lives as long as whoever sleeps on it.
                _ = moved.changed() => {}
            }
        }
    }
}

/// The runbooks that come with windlass.
struct Shipped;

impl Supplies for Shipped {
    fn runbook(&self, name: &str) -> Result<(String, String), String> {
        let text = windlass_runbooks::whole(name).ok_or("it is not shipped")?;
        Ok((name.to_owned(), text))
    }

    fn secret(&self, _: &str, _: &str) -> Result<Secret, String> {
        Ok(Secret::new(b"generated-in-the-night".to_vec()))
    }
}

fn nightly(secret: &str, more: &str) -> Config {
    let text = format!(
        "name = 'nightly'\nrunbook = 'rotate-secret'\nparams = {{ secret = '{secret}'{more} }}\n\
         secrets = {{ value = 'generate:32' }}\ncron = '30 2 * * *'\nzone = 'Europe/Berlin'\n"
    );
    toml::from_str(&text).unwrap()
}

/// It worked for one night: the name had moved on by the next one.
#[tokio::test(flavor = "multi_thread")]
async fn a_nightly_rotation_rotates_every_night_by_the_name_that_it_was_given() {
    let directory = tempfile::tempdir().unwrap();
    let start = SystemClock.now();
    let spec = SimulatedSpec { nodes: 3, services: 12, start, ..SimulatedSpec::default() };
    let simulated = Simulated::new(&spec);
    let socket = directory.path().join("docker.sock");
    let _served = simulated.serve(&socket).await.unwrap();
    let _flow = simulated.flow(40.0);
    let host = Some(format!("unix://{}", socket.display()));
    let environment = Environment { docker_host: host, ..Environment::default() };
    let swarm = Swarm::from_environment(environment);
    let names = async || -> Vec<String> {
        let secrets = swarm.secrets().await.unwrap();
        let names = secrets.iter().map(|s| s["Spec"]["Name"].as_str().unwrap().to_owned());
        names.collect()
    };
    let secret = names().await.into_iter().find(|name| name.ends_with("_db_password")).unwrap();

    let clock = Arc::new(Forward(watch::Sender::new(0)));
    let engine = Engine::open(Options {
        store: Arc::new(MemoryStore::new()),
        keyring: Keyring::new(MasterKey::from_bytes([7; 32]), Box::<MemoryKeys>::default()),
        steps: Registry::of_families([
            Arc::new(BasicSteps) as Arc<dyn Family>,
            Arc::new(SwarmSteps::over(swarm.clone())),
        ]),
        clock: clock.clone(),
        runtime: Handle::current(),
        process: By { user: "ada".to_owned(), host: "manager-1".to_owned(), pid: 1, as_user: None },
        version: "test".to_owned(),
        points: None,
    })
    .unwrap();

    let why = check(&engine, &Shipped, &nightly(&secret, "")).unwrap_err();
    assert!(why.contains("would not find it; add `latest=true`"), "{why}");
    let config = nightly(&secret, ", latest = true");
    check(&engine, &Shipped, &config).unwrap();

    let ticker = Ticker::new(engine.clone(), Arc::new(Shipped), Outbox::new(&engine, []));
    let added = Book::of(&engine).add(config, Origin::Command, clock.now()).unwrap();
    for night in 1..=3 {
        let due = added.next(clock.now()).unwrap();
        clock.0.send_modify(|by| *by += due - (SystemClock.now() + *by));
        let looking = ticker.clone();
        tokio::task::spawn_blocking(move || looking.look()).await.unwrap();
        engine.idle().await;
        let runs = engine.runs(false).unwrap();
        assert_eq!(runs.len(), night, "no run began");
        assert_eq!(runs[night - 1].status, Status::Done, "night {night}");
        let names = names().await;
        let version = format!("{secret}_v{}", night + 1);
        let ours: Vec<&String> = names.iter().filter(|name| name.starts_with(&secret)).collect();
        assert_eq!(ours, [&version], "night {night}");
    }
}
