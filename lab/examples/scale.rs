fn rss() -> String {
    std::fs::read_to_string("/proc/self/status")
        .unwrap()
        .lines()
        .filter(|l| l.starts_with("VmRSS") || l.starts_with("VmHWM"))
        .collect::<Vec<_>>()
        .join(" ")
}
fn main() {
    let t = std::time::Instant::now();
    let spec = windlass_lab::simulated::SimulatedSpec {
        nodes: 200,
        managers: 5,
        services: 10_000,
        ..Default::default()
    };
    let s = windlass_lab::simulated::Simulated::new(&spec);
    println!("new {:?} {}", t.elapsed(), rss());
    let t = std::time::Instant::now();
    s.advance_to(s.now() + 3_600_000);
    println!("hour {:?} {}", t.elapsed(), rss());
    let rt = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    rt.block_on(async {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let served = s.serve(std::path::Path::new("/tmp/wl-sim-scale.sock")).await.unwrap();
        for path in [
            "/_ping",
            "/info",
            "/services",
            "/services?status=true",
            "/tasks",
            "/nodes",
            "/secrets",
            "/services/shop003_web",
        ] {
            let t = std::time::Instant::now();
            let mut c = tokio::net::UnixStream::connect(served.socket()).await.unwrap();
            c.write_all(
                format!("GET {path} HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n").as_bytes(),
            )
            .await
            .unwrap();
            let mut v = Vec::new();
            c.read_to_end(&mut v).await.unwrap();
            println!("{path} {} bytes {:?} {}", v.len(), t.elapsed(), rss());
        }
    });
    let t = std::time::Instant::now();
    for i in 1..=1000 {
        s.edit(&windlass_lab::simulated::Edit::ForceUpdate { service: format!("shop{i:03}_web") })
            .unwrap();
    }
    println!("1000 edits {:?}", t.elapsed());
    let t = std::time::Instant::now();
    s.advance_to(s.now() + 60_000);
    println!("rolled 1000 {:?} {}", t.elapsed(), rss());
    let t = std::time::Instant::now();
    let f = s.fork();
    println!("fork {:?} {}", t.elapsed(), rss());
    let t = std::time::Instant::now();
    let snap = f.snapshot();
    println!("snapshot {:?} {}", t.elapsed(), rss());
    let t = std::time::Instant::now();
    let g = windlass_lab::simulated::Simulated::from_snapshot(&snap, 1);
    println!("from_snapshot {:?} {} tasks {}", t.elapsed(), rss(), g.look().tasks.len());
}
