//! The command by which a container asks its own server.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener},
    thread,
};

use super::ends::{complete, ended};
use crate::machine::Machine;

fn checked(address: SocketAddr, options: &[&str]) -> (i32, String) {
    let machine = Machine::new();
    let mut program = complete(&machine);
    program.env("NEXUS_RAW_HTTP__BIND", address.to_string());
    ended(program.arg("healthcheck").args(options))
}

#[test]
fn a_ready_server_is_healthy() {
    let machine = Machine::new();
    let server = machine.start();
    assert_eq!(checked(server.address, &[]), (0, String::new()));
    assert_eq!(checked(server.address, &["--live"]), (0, String::new()));
}

#[test]
fn a_server_that_answers_otherwise_or_not_at_all_is_not() {
    for (answer, options, error) in [
        (
            "HTTP/1.1 503 Service Unavailable\r\n\r\n",
            &[][..],
            "/readyz is not well: HTTP/1.1 503 Service Unavailable\n",
        ),
        (
            "HTTP/1.1 500 \u{1b}[31m\r\n\r\n",
            &["--live"],
            "/healthz is not well: HTTP/1.1 500 \\u{1b}[31m\n",
        ),
        ("", &[], "/readyz is not well: the connection was closed\n"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let answering = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                head.extend(byte);
            }
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8(head).unwrap()
        });
        let expected = format!("nexus-raw-server: http://{address}{error}");
        assert_eq!(checked(address, options), (69, expected));
        let (path, _) = error.split_once(' ').unwrap();
        let asked = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        assert_eq!(answering.join().unwrap(), asked);
        let (code, stderr) = checked(address, options);
        assert_eq!(code, 69);
        assert!(stderr.contains("Connection refused"), "{stderr}");
    }
}

#[test]
fn a_port_that_the_system_selects_is_not_known() {
    let (code, stderr) = checked("127.0.0.1:0".parse().unwrap(), &[]);
    assert_eq!(code, 78);
    assert!(stderr.contains("\nhttp.bind: has port 0"), "{stderr}");
}
