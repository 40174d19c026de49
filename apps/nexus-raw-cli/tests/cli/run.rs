//! Running the command, with nothing of this machine's environment in it.

use std::{ffi::OsStr, process};

use assert_cmd::Command;

pub(crate) const ID: &str = "019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e11";
pub(crate) const TOKEN: &str = "aaaa.bbbb.cccc";

/// How a run ended and what it wrote.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ran {
    pub(crate) exit: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

pub(crate) fn command() -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("nexus-raw"));
    command.env_clear();
    command
}

/// The command with everything that a caller of a service needs, and no patience.
pub(crate) fn command_for(server: &str) -> Command {
    let mut command = command();
    command
        .env("NEXUS_RAW_SERVER", server)
        .env("NEXUS_RAW_TENANT", "t_demo")
        .env("NEXUS_RAW_ENV", "dev")
        .env("NEXUS_RAW_TOKEN", TOKEN)
        .env("NEXUS_RAW_RETRIES", "0");
    command
}

/// The same as a process that runs beside the test.
pub(crate) fn process_for(server: &str) -> process::Command {
    let mut command = process::Command::new(assert_cmd::cargo::cargo_bin!("nexus-raw"));
    command
        .env_clear()
        .env("NEXUS_RAW_SERVER", server)
        .env("NEXUS_RAW_TENANT", "t_demo")
        .env("NEXUS_RAW_ENV", "dev")
        .env("NEXUS_RAW_TOKEN", TOKEN)
        .env("NEXUS_RAW_RETRIES", "0")
        .stdin(process::Stdio::null());
    command
}

pub(crate) fn run<A: AsRef<OsStr>>(
    command: &mut Command,
    args: impl IntoIterator<Item = A>,
) -> Ran {
    let output = command.args(args).output().unwrap();
    Ran {
        exit: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A record, as the service writes it: in this order, without white space.
pub(crate) fn record() -> String {
    format!(
        concat!(
            r#"{{"asset_id":"{id}","tenant_id":"t_demo","env":"dev","#,
            r#""uri":"s3://bucket/tenants/t_demo/dev/raw/{id}/DSCN0010.jpg","filename":"DSCN0010.jpg","#,
            r#""sha256":"3d4f2bf07dc1be38b20cd6e46949a1071f9d0e3d07a9d9a2b9f3b6a1f3a5c0de","size_bytes":161713,"#,
            r#""content_type":"image/jpeg","captured_at":"2008-10-22T16:28:39Z","#,
            r#""imported_at":"2026-11-24T01:00:07.123456Z","#,
            r#""capture_location":{{"latitude":43.467448,"longitude":11.885127,"altitude_m":280.5,"accuracy_m":null}},"#,
            r#""lineage":{{"derived_from":["019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e00"],"source_uri":"https://example.test/a","activity":null}},"#,
            r#""pii_flags":["location","face"],"train_ok":true,"labels":{{"camera":"Nikon","evil":"\u001b[2J"}},"#,
            r#""registered_by":"u_demo","integrity":{{"level":"s3_sha256","version_id":null,"etag":"abc"}}}}"#,
        ),
        id = ID
    )
}

/// That record as a person reads it.
pub(crate) const RECORD_TEXT: &str = "\
DSCN0010.jpg
  asset id      019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e11
  tenant        t_demo, dev
  uri           s3://bucket/tenants/t_demo/dev/raw/019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e11/DSCN0010.jpg
  content       image/jpeg, 161,713 bytes
  sha256        3d4f2bf07dc1be38b20cd6e46949a1071f9d0e3d07a9d9a2b9f3b6a1f3a5c0de
  integrity     s3_sha256, etag abc
  imported      2026-11-24T01:00:07.123456Z by u_demo
  captured      2008-10-22T16:28:39Z
  place         43.467448, 11.885127, 280.5 m high
  derived from  019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e00
  source        https://example.test/a
  personal data location, face
  training      allowed
  label         camera=Nikon
  label         evil=\\u{1b}[2J
";
