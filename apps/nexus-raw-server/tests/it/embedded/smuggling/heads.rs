use super::{CHUNKED, Forge, assert_nothing_was_written, get, hear_all};
use crate::machine::Machine;

/// Lengths and codings that are no framing.
fn framings(forge: &Forge) -> Vec<(String, String)> {
    let (length, body, chunked) = (forge.length(), &forge.body, forge.chunked());
    let twice = |header: &str| format!("{header}{header}");
    let mut cases: Vec<(String, String)> = Vec::new();
    let mut add = |name: &str, request: String| cases.push((name.to_owned(), request));

    add(
        "length and coding",
        forge.post(&format!("{length}{CHUNKED}"), &chunked),
    );
    add(
        "coding and length",
        forge.post(&format!("{CHUNKED}Content-Length: 4\r\n"), &chunked),
    );
    add(
        "no length and coding",
        forge.post(&format!("Content-Length: 0\r\n{CHUNKED}"), &chunked),
    );
    add("length twice", forge.post(&twice(&length), body));
    add(
        "two lengths",
        forge.post(&format!("Content-Length: 0\r\n{length}"), body),
    );
    add("coding twice", forge.post(&twice(CHUNKED), &chunked));
    add(
        "a coding in HTTP/1.0",
        forge
            .post(CHUNKED, &chunked)
            .replacen("HTTP/1.1", "HTTP/1.0", 1),
    );
    for value in [
        "+75",
        "-1",
        "7 5",
        "7,5",
        "75, 75",
        "0x4b",
        "75.0",
        "",
        "\"75\"",
        "7\x0b5",
        "\u{665}",
        "18446744073709551616",
        "99999999999999999999999999",
    ] {
        add(
            &format!("length {value:?}"),
            forge.post(&format!("Content-Length: {value}\r\n"), body),
        );
    }
    for value in [
        "",
        "x",
        "gzip",
        "identity",
        "xchunked",
        "chunkedx",
        "\"chunked\"",
        "\x0bchunked",
        "chunked;q=1",
        "chunked,",
        "chunked, gzip",
        "gzip, chunked",
        "chunked, chunked",
    ] {
        let coding = format!("Transfer-Encoding: {value}\r\n");
        add(&format!("coding {value:?}"), forge.post(&coding, &chunked));
    }
    cases
}

/// Malformed heads, with any header about a body.
fn forms(forge: &Forge) -> Vec<(String, String)> {
    let (body, chunked) = (&forge.body, forge.chunked());
    let mut cases: Vec<(String, String)> = Vec::new();
    let mut add = |name: &str, request: String| cases.push((name.to_owned(), request));
    add("a folded value", get("X-A: b\r\n c\r\n"));
    add(
        "a folded coding",
        forge.post("Transfer-Encoding:\r\n chunked\r\n", &chunked),
    );
    add(
        "a folded first header",
        "GET /healthz HTTP/1.1\r\n Host: x\r\n\r\n".to_owned(),
    );
    add(
        "a space before the colon",
        forge.post("Content-Length : 4\r\n", body),
    );
    add(
        "a tab before the colon",
        forge.post("Transfer-Encoding\t: chunked\r\n", &chunked),
    );
    for (name, header) in [
        ("NUL in a name", "X\0A: b\r\n"),
        ("NUL in a value", "X-A: b\0c\r\n"),
        ("CR in a name", "X\rA: b\r\n"),
        ("CR in a value", "X-A: b\rX-Env: prod\r\n"),
        ("LF in a name", "X\nA: b\r\n"),
        ("a name that is not ASCII", "X\u{e9}: b\r\n"),
        ("no colon", "XA\r\n"),
        ("no name", ": b\r\n"),
        ("a second host", "Host: nexus.test\r\n"),
    ] {
        add(name, get(header));
    }
    add("no host", "GET /healthz HTTP/1.1\r\n\r\n".to_owned());
    for host in ["a/b", "u@a", "a b"] {
        add(
            &format!("host {host:?}"),
            format!("GET /healthz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"),
        );
    }
    for (name, line) in [
        ("HTTP/0.9", "GET /healthz"),
        ("HTTP/1.2", "GET /healthz HTTP/1.2"),
        ("HTTP/2.0", "GET /healthz HTTP/2.0"),
        ("the preface of HTTP/2", "PRI * HTTP/2.0"),
        ("another protocol", "GET /healthz http/1.1"),
        ("two spaces", "GET  /healthz HTTP/1.1"),
        ("tabs for spaces", "GET\t/healthz\tHTTP/1.1"),
        ("a space before the method", " GET /healthz HTTP/1.1"),
        ("a method that is no token", "G@T /healthz HTTP/1.1"),
        ("NUL in the target", "GET /health\0z HTTP/1.1"),
        ("a tunnel", "CONNECT nexus.test:80 HTTP/1.1"),
    ] {
        add(name, format!("{line}\r\nHost: nexus.test\r\n\r\n"));
    }
    add("97 headers", get(&headers(96)));
    add(
        "a head of over 128 KiB",
        get(&format!("X: {}\r\n", "a".repeat(131_072))),
    );
    add(
        "a target of over 64 KiB",
        get("").replace("/healthz", &format!("/{}", "a".repeat(65_536))),
    );

    cases
}

fn headers(count: usize) -> String {
    (0..count).fold(String::new(), |it, n| format!("{it}X-{n}: 1\r\n"))
}

#[tokio::test]
async fn a_head_that_can_be_read_in_two_ways_is_refused_with_all_that_follows_it() {
    let machine = Machine::new();
    let server = machine.start();
    let forge = Forge::of(&machine);
    // each with a request behind it, which another reader may have taken for a part of it
    let behind = forge.hidden();
    let cases = framings(&forge).into_iter().chain(forms(&forge));
    let cases = cases.map(|(name, it)| (name, format!("{it}{behind}")));
    for (name, heard) in hear_all(&server, cases.collect()).await {
        let refused = heard.statuses.iter().all(|it| (400..500).contains(it));
        assert!(
            refused && heard.statuses.len() <= 1 && heard.closed,
            "{name}: {heard:?}"
        );
    }
    assert_nothing_was_written(&machine, &server).await;
    let most = hear_all(&server, vec![("96 headers", get(&headers(95)))]).await;
    assert_eq!(most[0].1.statuses, [200]);
}
