//! Runs the suite of `docs/S3-SERVERS.md` on your own store and prints the outcomes as a table. The
//! exit code is 1 if the store differs from what AWS documents.
//!
//! The bucket must be empty, and should have no other use. The endpoint is addressed by path.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use nexus_raw_testkit::{
    contract::s3::{documented, measure, set_cors_rule},
    s3::Endpoint,
};

const VARIABLES: [&str; 5] = [
    "NEXUS_RAW_TEST_S3_ENDPOINT",
    "NEXUS_RAW_TEST_S3_REGION",
    "NEXUS_RAW_TEST_S3_BUCKET",
    "NEXUS_RAW_TEST_S3_ACCESS_KEY_ID",
    "NEXUS_RAW_TEST_S3_SECRET_ACCESS_KEY",
];

#[expect(
    clippy::disallowed_methods,
    reason = "a program of its own, with no configuration"
)]
fn variable(name: &str) -> io::Result<String> {
    let missing = |_| io::Error::other(format!("{name} is not set"));
    std::env::var(name).map_err(missing)
}

fn main() -> io::Result<ExitCode> {
    let [url, region, bucket, id, secret] = VARIABLES.map(variable);
    let (bucket, endpoint) = (bucket?, Endpoint::at(&url?, &region?, &id?, &secret?));
    // a server that has no such rules has its origins by other means, or refuses them all
    let _ = set_cors_rule(&endpoint, &bucket, "https://app.example.com");
    let mut output = io::stdout().lock();
    writeln!(output, "| rule | AWS documents | measured |\n|---|---|---|")?;
    let mut differs = false;
    for (rule, outcome) in measure(&endpoint, &bucket) {
        let documented = documented(rule);
        differs |= outcome != documented;
        let mark = if outcome == documented { "" } else { "**" };
        let rule = rule.replace('_', " ");
        writeln!(output, "| {rule} | {documented} | {mark}{outcome}{mark} |")?;
    }
    Ok(ExitCode::from(u8::from(differs)))
}
