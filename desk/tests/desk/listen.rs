//! Where the console listens, and how it stops.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use axum::body::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::sync::watch;
use windlass_desk::{Config, ConfigError, Desk, Library, Listen, Role, ServeError, serve};

use crate::rig::{Disk, Rig};
use crate::stream::Stream;
use crate::world::World;

struct Empty;

impl Library for Empty {
    fn names(&self) -> Vec<String> {
        Vec::new()
    }

    fn text(&self, _: &str) -> Option<String> {
        None
    }
}

/// Why a console with these files does not begin.
async fn refused(files: Config) -> String {
    let listen = Listen::At(SocketAddr::from(([127, 0, 0, 1], 0)));
    let (engine, unready) = (Disk::new().engine(&World::new()), watch::channel(None).1);
    let desk = Desk::new(engine, Arc::new(Empty)).unwrap();
    let begun = serve(&desk, Config { listen, ..files }, unready).await;
    begun.unwrap_err().to_string()
}

fn config(text: &str) -> Config {
    toml::from_str(text).unwrap()
}

#[test]
fn it_listens_on_this_machine_unless_told_otherwise() {
    let usual = SocketAddr::from(([127, 0, 0, 1], 7480));
    assert_eq!(config("").listen.address(), Some(usual));
    assert_eq!(config("listen = \"off\"").listen.address(), None);
    let nowhere = toml::from_str::<Config>("listen = \"localhost\"").unwrap_err().to_string();
    assert!(nowhere.contains("such as 127.0.0.1:7480, or `off`"), "{nowhere}");
    assert_eq!(config("").check(), Ok(()));
    let open = config("listen = \"0.0.0.0:7480\"");
    assert!(matches!(open.check(), Err(ConfigError::InTheOpen(_))));
    assert!(open.check().unwrap_err().to_string().contains("allow_remote_without_tls"));
    let said = config("listen = \"0.0.0.0:7480\"\nallow_remote_without_tls = true");
    assert_eq!(said.check(), Ok(()));
    let tls = config("listen = \"0.0.0.0:7480\"\ntls_cert = \"c\"\ntls_key = \"k\"");
    assert_eq!(tls.check(), Ok(()));
    let half = config("tls_cert = \"c\"");
    assert!(matches!(half.check(), Err(ConfigError::HalfOfTls { missing: "tls_key", .. })));
    for wrong in ["", "collector:4318", "ftp://x", "http://"] {
        let otlp = config(&format!("otlp = \"{wrong}\""));
        assert!(matches!(otlp.check(), Err(ConfigError::Otlp(_))), "{wrong}");
    }
    assert_eq!(config("otlp = \"http://127.0.0.1:4318\"").check(), Ok(()));
    assert!(toml::from_str::<Config>("port = 80").is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn it_speaks_tls_with_the_files_it_is_given_and_nothing_else_there() {
    let directory = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (cert, key) = (directory.path().join("cert.pem"), directory.path().join("key.pem"));
    std::fs::write(&cert, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let mode = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(&key, 0o644);
    let exposed =
        Config { tls_cert: Some(cert.clone()), tls_key: Some(key.clone()), ..Config::default() };
    let error = refused(exposed).await;
    assert!(error.contains("key.pem can be read by others (mode 644): run `chmod 600"), "{error}");
    mode(&key, 0o640);
    mode(&cert, 0o600);
    let (tls_cert, tls_key) = (Some(cert.clone()), Some(key.clone()));
    let rig = Rig::with(Disk::new(), Config { tls_cert, tls_key, ..Config::default() }).await;

    let mut roots = rustls::RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = hyper_rustls::HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_only()
        .enable_http1()
        .build();
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build(connector);
    let url = format!("https://localhost:{}/healthz", rig.bound.address().port());
    let response = client.get(url.parse().unwrap()).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "alive\n");
    let plain = rig.client.get(rig.url("/healthz").parse().unwrap()).await;
    assert!(plain.is_err(), "it answers without TLS too");

    let error = refused(Config { tls_cert: Some(key), tls_key: Some(cert), ..Config::default() });
    let error = error.await;
    assert!(error.contains("certificate"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_taken_is_named() {
    let rig = Rig::new().await;
    let config = Config { listen: Listen::At(rig.bound.address()), ..Config::default() };
    let unready = watch::channel(None).1;
    let error = serve(&rig.desk, config, unready).await.unwrap_err();
    assert!(matches!(error, ServeError::Listen { .. }));
    assert!(error.to_string().contains(&rig.bound.address().to_string()), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_stops_when_it_is_told_to_and_ends_streams_and_no_run() {
    let rig = Rig::new().await;
    let token = rig.token("olga", &[Role::Operator]);
    let run = rig.start("held", &token).await;
    let path = format!("/api/v1/runs/{run}/events");
    let mut stream = Stream::open(&rig, &path, &token, None).await;
    stream.next().await.unwrap();
    let address = rig.bound.address();
    rig.bound.close().await;
    while stream.next().await.is_some() {}
    assert!(tokio::net::TcpStream::connect(address).await.is_err(), "it listens still");
    let run = run.as_str().into();
    assert!(rig.engine.is_driven(&run));
    rig.world.let_go();
    rig.engine.idle().await;
    assert!(rig.engine.view(&run).unwrap().summary.status.is_finished());
}
