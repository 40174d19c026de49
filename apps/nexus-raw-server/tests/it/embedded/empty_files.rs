//! An empty file, by programs that nobody wrote for this service.

use std::{collections::BTreeMap, fs, process::Command};

use serde_json::json;

use super::openapi_document::tool;
use crate::{
    caller::{Caller, Upload},
    machine::Machine,
};

/// `requests` with an open file that is empty states no length and sends it in chunks, while the
/// length is signed (psf/requests issue 5682).
const REQUESTS: &str = r#"
import json, requests, sys
url, headers, path = sys.argv[1:]
headers = json.loads(headers)
print(requests.put(url, headers=headers, data=open(path, "rb")).status_code)
print(requests.put(url, headers=headers, data=open(path, "rb").read()).status_code)
"#;

const URLLIB: &str = r#"
import json, sys, urllib.request
url, headers, path = sys.argv[1:]
headers = json.loads(headers) | {"content-length": "0"}
request = urllib.request.Request(url, data=open(path, "rb"), headers=headers, method="PUT")
print(urllib.request.urlopen(request).status)
"#;

#[tokio::test]
async fn an_empty_file_is_uploaded_by_curl_and_by_pythons_clients() {
    let machine = Machine::new();
    let server = machine.start();
    let caller = Caller::owner_of("t_demo", &machine, &server);
    let path = machine.data_dir().join("empty.txt");
    fs::write(&path, "").unwrap();
    let path = path.to_str().unwrap();
    // where `tools/setup` put what schemathesis needs, `requests` among it
    let packages = fs::canonicalize(tool("schemathesis")).unwrap();
    let packages = packages.ancestors().nth(2).unwrap().to_owned();

    let curl = |how: &'static str, upload: &Upload| {
        let mut curl = Command::new("curl");
        curl.args(["-sS", "-o", "-", "-w", "%{http_code}\n", "-X", "PUT"]);
        for (name, value) in &upload.headers {
            curl.arg("-H").arg(format!("{name}: {value}"));
        }
        let file = if how == "-T" {
            path.to_owned()
        } else {
            format!("@{path}")
        };
        curl.args([how, &file, &upload.url]);
        curl
    };
    let python = |script: &str, upload: &Upload| {
        let headers = upload.headers.iter();
        let headers: BTreeMap<_, _> = headers.map(|(name, value)| (name, value)).collect();
        let mut python = Command::new("python3");
        python.args(["-c", script, &upload.url, &json!(headers).to_string(), path]);
        python.env("PYTHONPATH", &packages);
        python
    };
    for (client, expected) in [
        ("curl -T", "200\n"),
        ("curl --data-binary", "200\n"),
        ("urllib", "200\n"),
        ("requests", "403\n200\n"),
    ] {
        let upload = caller.presign_as("empty.txt", "text/plain", b"").await;
        let mut command = match client {
            "curl -T" => curl("-T", &upload),
            "curl --data-binary" => curl("--data-binary", &upload),
            "urllib" => python(URLLIB, &upload),
            _ => python(REQUESTS, &upload),
        };
        let output = command.output().unwrap();
        let stdout = String::from_utf8_lossy(&output.stdout);
        assert_eq!(stdout, expected, "{client}: {output:?}");
        let answer = caller.register(&json!({"asset_id": upload.asset_id})).await;
        assert_eq!(
            (answer.status, &answer.json()["size_bytes"]),
            (201, &json!(0)),
            "{client}"
        );
    }
}
