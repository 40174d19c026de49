//! How the program ends: its exit codes, and what it says on standard error.

use std::{
    net::TcpListener,
    process::{Command, Output},
};

use crate::{http::Request, machine::Machine};

pub(crate) fn ended(command: &mut Command) -> (i32, String) {
    let Output { status, stderr, .. } = command.output().unwrap();
    (status.code().unwrap(), String::from_utf8(stderr).unwrap())
}

/// A configuration without fault, of a store that is not there.
pub(crate) fn complete(machine: &Machine) -> Command {
    let mut command = machine.program();
    command.envs([
        ("NEXUS_RAW_STORAGE__BUCKET", "nexus-raw"),
        ("NEXUS_RAW_STORAGE__REGION", "eu-central-1"),
        ("NEXUS_RAW_STORAGE__ENDPOINT", "http://127.0.0.1:1"),
        ("NEXUS_RAW_STORAGE__ACCESS_KEY_ID", "AKIDEXAMPLE"),
        (
            "NEXUS_RAW_STORAGE__SECRET_ACCESS_KEY",
            "hidden-hidden-hidden",
        ),
        ("NEXUS_RAW_STORAGE__STARTUP_TIMEOUT_SECONDS", "1"),
        ("NEXUS_RAW_CATALOG__URL", "sqlite:catalog.sqlite"),
        ("NEXUS_RAW_IDENTITY__ISSUER", "https://issuer.example"),
        ("NEXUS_RAW_IDENTITY__AUDIENCE", "nexus-raw"),
        (
            "NEXUS_RAW_IDENTITY__HS256_SECRET",
            "hidden-hidden-hidden-hidden-hidden",
        ),
    ]);
    command
}

#[test]
fn a_faulty_configuration_ends_with_78_and_names_every_key() {
    let machine = Machine::new();
    let mut command = complete(&machine);
    command
        .env("NEXUS_RAW_HTTP__BIND", "nowhere")
        .env("NEXUS_RAW_STORAGE__BUCKET", "No Bucket")
        .env("NEXUS_RAW_STORAGE__PRESIGN_TTL_SECONDS", "0")
        .env("NEXUS_RAW_STORAGE__BUCKETS", "x")
        .env("NEXUS_RAW_IDENTITY__HS256_SECRET", "hidden")
        .env_remove("NEXUS_RAW_CATALOG__URL");
    let (code, stderr) = ended(&mut command);
    assert_eq!(code, 78, "{stderr}");
    for key in [
        "http.bind",
        "storage.bucket",
        "storage.presign_ttl_seconds",
        "storage.buckets",
        "identity.hs256_secret",
        "catalog.url",
    ] {
        assert_eq!(
            stderr.matches(&format!("\n{key}: ")).count(),
            1,
            "{key} in {stderr}"
        );
    }
    assert!(!stderr.contains("hidden"), "{stderr}");
}

/// The first thing that a newcomer reads of the program.
#[test]
fn without_any_configuration_the_program_names_embedded_mode_first() {
    for subcommand in [None, Some("serve"), Some("check-config"), Some("migrate")] {
        let machine = Machine::new();
        let mut command = machine.program();
        command
            .env_remove("NEXUS_RAW_HTTP__BIND")
            .env_remove("NEXUS_RAW_METRICS__BIND")
            // one of the command line's own
            .env("NEXUS_RAW_TOKEN", "hidden");
        let (code, stderr) = ended(command.args(subcommand));
        assert_eq!(code, 78, "{stderr}");
        let mut lines = stderr.lines();
        assert_eq!(
            lines.next(),
            Some(
                "nexus-raw-server: there is no configuration: to try the service on this machine, \
                 run `nexus-raw-server --embedded`, which needs none; otherwise give `--config \
                 FILE` or variables, with at least"
            )
        );
        let keys: Vec<_> = lines.filter_map(|line| line.split(": ").next()).collect();
        assert_eq!(
            keys,
            [
                "storage.bucket",
                "storage.region",
                "catalog.url",
                "identity.issuer",
                "identity.audience",
                "identity.hs256_secret",
            ]
        );
    }
    // who has said something has a configuration with faults
    let (_, stderr) = ended(&mut Machine::new().program());
    let head = "nexus-raw-server: the configuration is invalid\n";
    assert!(stderr.starts_with(head), "{stderr}");
}

/// On an address that is taken: a server that binds it ends with 69. The store is there, and is not
/// called.
#[test]
fn each_fault_of_the_configuration_alone_ends_with_78_before_a_socket_is_bound() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let store = TcpListener::bind("127.0.0.1:0").unwrap();
    store.set_nonblocking(true).unwrap();
    let endpoint = format!("http://{}", store.local_addr().unwrap());
    for (key, value) in [
        ("storage.bucket", ""),
        ("storage.bucket", "192.168.5.4"),
        ("storage.region", ""),
        ("storage.region", "EU Central"),
        ("storage.secret_access_key", ""),
        ("storage.access_key_id", ""),
        ("identity.issuer", ""),
        ("identity.issuer", "a\nb"),
        ("identity.audience", ""),
        ("identity.hs256_secret", "hidden"),
        ("storage.bukcet", "nexus-raw"),
        ("storage.presign_ttl_seconds", "604801"),
        ("storage.max_object_bytes", "0"),
        ("storage.endpoint", "http://s3.example.com"),
        ("storage.endpoint", "https://hidden:hidden@s3.example.com"),
        ("storage.endpoint", "http://169.254.169.254"),
    ] {
        let name = format!("NEXUS_RAW_{}", key.to_uppercase().replace('.', "__"));
        let machine = Machine::new();
        let mut command = complete(&machine);
        command
            .env("NEXUS_RAW_HTTP__BIND", &address)
            .env("NEXUS_RAW_STORAGE__ENDPOINT", &endpoint)
            .env(name, value);
        let (code, stderr) = ended(&mut command);
        assert_eq!(code, 78, "{key} {value:?}: {stderr}");
        let faults = stderr.lines().filter(|line| line.contains(": ")).skip(1);
        let named: Vec<_> = faults.filter_map(|line| line.split(": ").next()).collect();
        assert_eq!(named, [key], "{value:?}: {stderr}");
        assert!(!stderr.contains("hidden"), "{stderr}");
        assert!(store.accept().is_err(), "{key} {value:?}");
    }
}

#[test]
fn a_database_on_the_network_without_verification_is_refused_before_it_is_connected_to() {
    for subcommand in ["serve", "check-config", "migrate"] {
        let machine = Machine::new();
        let mut command = complete(&machine);
        command.arg(subcommand).env(
            "NEXUS_RAW_CATALOG__URL",
            "postgres://nexus:hidden@db.example.com/nexus?sslmode=require",
        );
        let (code, stderr) = ended(&mut command);
        assert_eq!(
            (code, &*stderr),
            (
                78,
                "nexus-raw-server: the configuration is invalid\ncatalog.url: the connection to PostgreSQL \
                 over a network must be verified: leave `sslmode` out, or set it to `verify-full` or \
                 `verify-ca`, with `sslrootcert` for your own authority\n"
            ),
            "{subcommand}"
        );
    }
}

#[test]
fn a_database_that_does_not_answer_ends_with_69_after_the_time_to_start() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = nobody.local_addr().unwrap().port();
    drop(nobody);
    for subcommand in ["serve", "migrate"] {
        let machine = Machine::new();
        let mut command = complete(&machine);
        let url = format!("postgres://nexus:hidden@127.0.0.1:{port}/nexus");
        command.arg(subcommand).env("NEXUS_RAW_CATALOG__URL", url);
        let (code, stderr) = ended(&mut command);
        assert_eq!(code, 69, "{stderr}");
        let last = stderr.lines().last().unwrap();
        assert!(
            last.starts_with("nexus-raw-server: the catalogue cannot be used: catalogue is "),
            "{stderr}"
        );
        assert!(!stderr.contains("hidden"), "{stderr}");
    }
}

#[test]
fn a_store_that_does_not_answer_ends_with_69_after_the_time_to_start() {
    let (code, stderr) = ended(&mut complete(&Machine::new()));
    assert_eq!(code, 69, "{stderr}");
    let last = stderr.lines().last().unwrap();
    assert!(
        last.starts_with("nexus-raw-server: the object store cannot be used: "),
        "{stderr}"
    );
    assert!(!stderr.contains("hidden"), "{stderr}");
}

#[test]
fn an_address_in_use_ends_with_69() {
    let machine = Machine::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for (name, key) in [
        ("NEXUS_RAW_HTTP__BIND", "http.bind"),
        ("NEXUS_RAW_METRICS__BIND", "metrics.bind"),
        ("NEXUS_RAW_EMBEDDED__S3_BIND", "embedded.s3_bind"),
    ] {
        let (code, stderr) = ended(machine.embedded().env(name, &address));
        assert_eq!(code, 69, "{stderr}");
        assert!(stderr.contains(&format!("; look at {key}: ")), "{stderr}");
        assert!(
            stderr.contains(&format!("cannot listen on {address}")),
            "{stderr}"
        );
    }
}

#[test]
fn two_servers_do_not_share_a_data_directory() {
    let machine = Machine::new();
    let server = machine.start();
    let (code, stderr) = ended(&mut machine.embedded());
    assert_eq!(code, 69, "{stderr}");
    assert!(stderr.contains("is in use by another server"), "{stderr}");
    drop(server);
}

#[test]
fn a_second_server_on_one_catalogue_ends_with_69_after_the_time_to_start() {
    let machine = Machine::new();
    let server = machine.start();
    let catalog = machine.data_dir().join("catalog.sqlite");
    let mut command = complete(&machine);
    command.env(
        "NEXUS_RAW_CATALOG__URL",
        format!("sqlite:{}", catalog.display()),
    );
    let (code, stderr) = ended(&mut command);
    let last = format!(
        "nexus-raw-server: the catalogue cannot be used: another process has the catalogue {} \
         open; one catalogue is for one server",
        catalog.canonicalize().unwrap().display()
    );
    assert_eq!(
        (code, stderr.lines().last()),
        (69, Some(last.as_str())),
        "{stderr}"
    );
    drop(server);
}

#[test]
fn embedded_mode_brings_its_own_store_and_stays_on_the_machine() {
    let machine = Machine::new();
    let mut command = machine.embedded();
    command
        .env("NEXUS_RAW_HTTP__BIND", "0.0.0.0:0")
        .env("NEXUS_RAW_STORAGE__ENDPOINT", "https://s3.example");
    let (code, stderr) = ended(&mut command);
    assert_eq!(code, 78, "{stderr}");
    assert!(
        stderr.contains("\nhttp.bind: ") && stderr.contains("\nstorage.endpoint: "),
        "{stderr}"
    );
}

/// What only a part knows of its settings: `check-config` has it open what `serve` opens.
#[test]
fn check_config_refuses_what_a_start_refuses_before_it_reaches_for_anything() {
    for (mode, overrides, faults) in [
        (
            "alone",
            &[("NEXUS_RAW_STORAGE__REGION", "-")][..],
            &["storage.region"][..],
        ),
        (
            "alone",
            &[
                ("NEXUS_RAW_STORAGE__REGION", "-"),
                (
                    "NEXUS_RAW_CATALOG__URL",
                    "postgres://nexus:hidden@db.example.com/nexus?sslmode=require",
                ),
            ],
            &["catalog.url", "storage.region"],
        ),
        (
            "embedded",
            &[
                ("NEXUS_RAW_STORAGE__ACCESS_KEY_ID", "a+b"),
                ("NEXUS_RAW_STORAGE__SECRET_ACCESS_KEY", "hidden"),
            ],
            &["storage.access_key_id"],
        ),
    ] {
        let stderr = ["check-config", "serve"].map(|subcommand| {
            let machine = Machine::new();
            let mut command = match mode {
                "embedded" => machine.embedded(),
                _ => complete(&machine),
            };
            let (code, stderr) = ended(command.arg(subcommand).envs(overrides.iter().copied()));
            assert_eq!(code, 78, "{subcommand} {overrides:?}: {stderr}");
            assert!(!stderr.contains("hidden"), "{stderr}");
            stderr
        });
        assert_eq!(stderr[0], stderr[1], "{overrides:?}");
        let mut named: Vec<_> = stderr[0]
            .lines()
            .skip(1)
            .filter_map(|line| line.split(": ").next())
            .collect();
        named.sort_unstable();
        assert_eq!(named, faults, "{stderr:?}");
    }
}

/// All names of this machine that the configuration takes, the sinks take too.
#[test]
fn a_receiver_on_this_machine_is_one_to_check_config_and_to_serve() {
    for host in ["localhost", "localhost.", "[::1]", "[::ffff:127.0.0.1]"] {
        let machine = Machine::new();
        let command = || {
            let mut command = machine.embedded();
            command.envs([
                ("NEXUS_RAW_EVENTS__SINKS", "[\"http\", \"nats\"]".to_owned()),
                ("NEXUS_RAW_EVENTS__HTTP__URL", format!("http://{host}:9/")),
                ("NEXUS_RAW_EVENTS__NATS__URL", format!("nats://{host}:9")),
            ]);
            command
        };
        let (code, stderr) = ended(command().arg("check-config"));
        assert_eq!(code, 0, "{host}: {stderr}");
        let (status, _, log) = Machine::start_by(&mut command()).stop();
        assert_eq!(status.code(), Some(0), "{host}: {log:?}");
    }
}

#[test]
fn check_config_prints_what_would_hold_and_reaches_for_nothing() {
    let machine = Machine::new();
    let Output { status, stdout, .. } = complete(&machine).arg("check-config").output().unwrap();
    let printed = String::from_utf8(stdout).unwrap();
    assert_eq!(status.code(), Some(0));
    assert!(printed.contains("bucket = \"nexus-raw\""), "{printed}");
    assert!(
        printed.contains("[redacted]") && !printed.contains("hidden"),
        "{printed}"
    );
    let (code, _) = ended(machine.embedded().arg("check-config"));
    assert_eq!((code, machine.data_dir().exists()), (0, false));
}

#[test]
fn what_the_command_line_does_not_know_ends_with_2() {
    let machine = Machine::new();
    assert_eq!(ended(machine.program().arg("--emdedded")).0, 2);
    assert_eq!(ended(machine.program().arg("migrat")).0, 2);
}

#[test]
fn migrate_makes_the_catalogue_and_says_what_it_did() {
    let machine = Machine::new();
    let migrate = || {
        let Output { status, stdout, .. } = complete(&machine).arg("migrate").output().unwrap();
        assert_eq!(status.code(), Some(0));
        String::from_utf8(stdout).unwrap()
    };
    assert_eq!(
        migrate(),
        "applied migration 1\nthe catalogue's schema is up to date\n"
    );
    assert_eq!(migrate(), "the catalogue's schema is up to date\n");
}

#[tokio::test]
async fn a_signalled_server_ends_with_an_idle_connection_open() {
    let machine = Machine::new();
    let server = machine.start();
    let idle = tokio::net::TcpStream::connect(server.address)
        .await
        .unwrap();
    let answer = Request::new(server.address, "GET", "/healthz").send().await;
    assert_eq!(answer.status, 200);
    let (status, output, log) = server.stop();
    assert_eq!((status.code(), output), (Some(0), vec![]), "{log:?}");
    drop(idle);
}
