//! How SeaweedFS implements S3, rule by rule.

use std::sync::{Arc, Once};

use nexus_raw_testkit::{
    SeaweedFs,
    contract::s3::{Bench, Server, set_cors_rule},
    s3_contract,
};

fn on_seaweedfs(rule: &str) -> (Server, Bench, Arc<SeaweedFs>) {
    static PREPARED: Once = Once::new();
    let server = SeaweedFs::shared();
    let endpoint = server.s3();
    PREPARED.call_once(|| {
        let set = set_cors_rule(&endpoint, SeaweedFs::BUCKET, "https://app.example.com");
        assert_eq!(set.error(), (200, String::new()));
    });
    let bench = Bench::new(&endpoint, SeaweedFs::BUCKET, rule);
    (Server::SeaweedFs, bench, server)
}

s3_contract!(on_seaweedfs);
