//! The test image `windlass/app`: the smallest thing that uses its secrets as real programs do.
//!
//! | tag | differs in |
//! |---|---|
//! | `latest` | environment `APP_VERSION=1`, label `windlass.version=1` |
//! | `2` | environment `APP_VERSION=2`, label `windlass.version=2` |
//!
//! At start the app reads every file in `/run/secrets` and the files named in `SECRET_FILES`
//! (separated by spaces), once, and from then on answers with what it has read:
//!
//! ```json
//! {"host":"0f1e2d3c4b5a","version":"1","secrets":{"/run/secrets/db_password":
//!   {"fingerprint":"<64 hex digits>","uid":0,"gid":0,"mode":"444","size":12}}}
//! ```
//!
//! A fingerprint is the SHA-256 of the app's key (environment `APP_KEY`, else `lab`), a newline,
//! and the bytes of the file; [`fingerprint`] computes the same. With it a test can tell which
//! value a task *runs with* without the value itself leaving the container.
//!
//! | path | answer |
//! |---|---|
//! | `/` | what was read at start |
//! | `/cgi-bin/live` | the same, read anew for each request |
//! | `/cgi-bin/slow` | the same as `/`, after one second: a request to be in flight |
//!
//! | environment | effect |
//! |---|---|
//! | `PORT` | the port, else 8080 |
//! | `SECRET_FILES` | more files; one that can't be read ends the app with status 4 |
//! | `REFUSE` | a value that begins with this text ends the app with status 3 and a reason |
//! | `LEAK=1` | that reason also contains the value: bait for redaction |
//!
//! On SIGTERM the app stops to listen, lets requests in flight end (2 s at most) and exits 0.
//! It runs as any user, also with a read-only root. [`HEALTHCHECK`] is not part of the image,
//! because a health check delays every task by its interval; stacks add it where they test it.

mod tar;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::packages;
use tar::Tar;

/// The image's name with its first tag.
pub const APP: &str = "windlass/app:latest";

/// The same program under another tag, as a release that changes nothing but its version.
pub const APP_2: &str = "windlass/app:2";

/// The port that the app listens on unless `PORT` says otherwise.
pub const PORT: u16 = 8080;

/// A health check for the app, as the words of a stack file's `test`.
pub const HEALTHCHECK: [&str; 2] = ["CMD-SHELL", "wget -q -O- http://127.0.0.1:8080/"];

/// The default of `APP_KEY`.
const KEY: &str = "lab";

/// The programs of busybox that the app, its health check and people with a shell need.
const APPLETS: &str = "cat chmod cut date echo env false find grep head hostname httpd id ip kill \
    ln ls mkdir mktemp nc od pidof ping printf ps pwd rm sed sh sha256sum sleep stat sync tail tee \
    test touch tr true usleep wc wget";

/// An image that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// There is no busybox without libraries.
    #[error(transparent)]
    Packages(#[from] packages::PackagesError),
    /// The work was cancelled.
    #[error("make the test image: {0}")]
    Cancelled(#[from] tokio::task::JoinError),
}

/// Returns the fingerprint that the app shows for a secret with this value: 64 hex digits of
/// SHA-256 over `lab`, a newline and the value. Apps with another `APP_KEY` show another one.
pub fn fingerprint(value: &[u8]) -> String {
    hex(&Sha256::new().chain_update(KEY).chain_update("\n").chain_update(value).finalize())
}

/// Returns the archive with both tags, as `docker save` would write it, for `docker load` and
/// [`Lab::load`](crate::Lab::load). The same busybox gives the same bytes, so that the images
/// have the same ids on every node.
///
/// # Errors
/// [`ImageError::Packages`] if there is no static busybox on this machine.
pub fn archive() -> Result<Vec<u8>, ImageError> {
    let missing = || packages::PackagesError::Missing(vec!["busybox-static"]);
    let layer = layer(&packages::static_busybox().ok_or_else(missing)?);
    let diff = format!("sha256:{}", digest(&layer));
    let mut archive = Tar::default();
    archive.file("layer.tar", 0o644, &layer);
    let mut manifest = Vec::new();
    for (tag, version) in [(APP, "1"), (APP_2, "2")] {
        let config = config(&diff, version).to_string();
        let name = format!("{}.json", digest(config.as_bytes()));
        archive.file(&name, 0o644, config.as_bytes());
        manifest.push(json!({ "Config": name, "RepoTags": [tag], "Layers": ["layer.tar"] }));
    }
    archive.file("manifest.json", 0o644, Value::from(manifest).to_string().as_bytes());
    Ok(archive.finish())
}

fn config(diff: &str, version: &str) -> Value {
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    let created = "2026-01-01T00:00:00Z";
    json!({
        "architecture": architecture,
        "os": "linux",
        "created": created,
        "config": {
            "Env": ["PATH=/bin", format!("APP_VERSION={version}")],
            "Cmd": ["/app"],
            "ExposedPorts": { format!("{PORT}/tcp"): {} },
            "Labels": { "windlass.version": version },
        },
        "rootfs": { "type": "layers", "diff_ids": [diff] },
        "history": [{ "created": created, "created_by": "windlass-lab" }],
    })
}

fn layer(busybox: &[u8]) -> Vec<u8> {
    let mut layer = Tar::default();
    for directory in ["bin", "cgi-bin", "etc", "run"] {
        layer.directory(directory, 0o755);
    }
    layer.directory("tmp", 0o1777);
    layer.file("bin/busybox", 0o755, busybox);
    for applet in APPLETS.split_ascii_whitespace() {
        layer.link(&format!("bin/{applet}"), "busybox");
    }
    layer.file("app", 0o755, include_bytes!("app.sh"));
    layer.file("cgi-bin/live", 0o755, include_bytes!("live.sh"));
    layer.file("cgi-bin/slow", 0o755, include_bytes!("slow.sh"));
    layer.file("etc/httpd.conf", 0o644, b"I:index.json\n.json:application/json\n");
    layer.file(
        "etc/passwd",
        0o644,
        b"root:x:0:0:root:/tmp:/bin/sh\napp:x:1000:1000:app:/tmp:/bin/sh\n",
    );
    layer.file("etc/group", 0o644, b"root:x:0:\napp:x:1000:\n");
    layer.finish()
}

fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_the_digest_of_key_newline_and_value() {
        // printf 'lab\nhunter2' | sha256sum
        assert_eq!(fingerprint(b"hunter2"), digest(b"lab\nhunter2"));
        assert_ne!(fingerprint(b"hunter2"), fingerprint(b"hunter2\n"));
    }

    /// A missing one is no error when the image is made, only when somebody waits for it: the
    /// app once cut off its requests because `pgrep`, which it asked for them, was not there.
    #[test]
    fn busybox_has_the_programs_that_the_image_promises() {
        let list = std::process::Command::new("busybox").arg("--list").output().unwrap().stdout;
        let list = String::from_utf8(list).unwrap();
        let lacks = |applet: &&str| !list.lines().any(|line| line == *applet);
        let missing: Vec<&str> = APPLETS.split_ascii_whitespace().filter(lacks).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn the_archive_is_the_same_each_time() {
        assert_eq!(digest(&archive().unwrap()), digest(&archive().unwrap()));
    }
}
