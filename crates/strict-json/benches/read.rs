//! What it takes to read one body of a request.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const PRESIGN: &str = r#"{"filename":"DSCN0010.jpg","content_type":"image/jpeg","size_bytes":161713,"sha256":"2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"}"#;
const REGISTER: &str = r#"{"asset_id":"019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e11","captured_at":"2008-10-22T16:28:39Z","capture_location":{"latitude":43.467448,"longitude":11.885127},"pii_flags":["location"],"labels":{"camera":"COOLPIX P6000"}}"#;

fn read(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("read a body");
    for (name, body) in [("presign", PRESIGN), ("register", REGISTER)] {
        assert!(strict_json::read(body.as_bytes()).is_ok());
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| strict_json::read(black_box(body.as_bytes())));
        });
    }
    group.finish();
}

criterion_group!(benches, read);
criterion_main!(benches);
