use super::{CHUNKED, Forge, assert_nothing_was_written, get, hear_all};
use crate::machine::Machine;

/// Chunked bodies that are none.
fn chunks(forge: &Forge) -> Vec<(&'static str, String, u16)> {
    let hidden = forge.hidden();
    let mut cases: Vec<(&str, String, u16)> = Vec::new();
    let mut add = |name, request, status| cases.push((name, request, status));

    for bad in [
        "-1\r\n",
        "+5\r\nabcde\r\n",
        "0x5\r\nabcde\r\n",
        " 5\r\nabcde\r\n",
        "g\r\n",
        "\r\n",
        "ffffffffffffffffff\r\n",
        "10000000000000000\r\n",
        "5\nabcde\r\n",
        "5\r\nabcdeXX",
        "5\r\nabcde0\r\n\r\n",
        "5;a\nb\r\nabcde\r\n",
        "5;\0\r\nabcde\r\n",
        "0\r\n\rX",
    ] {
        add(bad, forge.post(CHUNKED, &format!("{bad}{hidden}")), 400);
    }
    let long = "e".repeat(1024 * 1024);
    add(
        "a long extension",
        forge.post(CHUNKED, &format!("5;{long}\r\nabcde\r\n0\r\n\r\n{hidden}")),
        400,
    );
    add(
        "long trailers",
        forge.post(
            CHUNKED,
            &format!("2\r\n{{}}\r\n0\r\nX: {long}\r\n\r\n{hidden}"),
        ),
        400,
    );
    cases
}

/// Bodies that are refused or ignored before they are read, a request in or behind each.
fn unread(forge: &Forge) -> Vec<(&'static str, String, u16)> {
    let hidden = forge.hidden();
    let length = |bytes: usize| format!("Content-Length: {bytes}\r\n");
    let chunk = |text: &str| format!("{:x}\r\n{text}\r\n0\r\n\r\n", text.len());
    let plain = |request: String| request.replacen("application/json", "text/plain", 1);
    let mut cases: Vec<(&str, String, u16)> = Vec::new();
    let mut add = |name, request, status| cases.push((name, request, status));
    add(
        "too long, and says so",
        forge.post(&length(70_000), &hidden),
        413,
    );
    add(
        "longer than anything",
        forge.post(&length(usize::MAX), &hidden),
        413,
    );
    add(
        "another media type",
        plain(forge.post(&length(hidden.len()), &hidden)),
        415,
    );
    add(
        "another media type, chunked",
        plain(forge.post(CHUNKED, &chunk(&hidden))),
        415,
    );
    add(
        "no token",
        Forge::unknown(&forge.post(&length(hidden.len()), &hidden)),
        401,
    );
    add(
        "no token, chunked",
        Forge::unknown(&forge.post(CHUNKED, &chunk(&hidden))),
        401,
    );
    add(
        "no token, chunked, and one behind",
        Forge::unknown(&forge.post(CHUNKED, &chunk("{}"))) + &hidden,
        401,
    );
    add(
        "no route",
        forge
            .post(&length(hidden.len()), &hidden)
            .replacen("raw/presign-upload", "none", 1),
        404,
    );
    add(
        "a WebSocket",
        forge.post(
            "Content-Length: 2\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n",
            &format!("{{}}{hidden}"),
        ),
        400,
    );
    add("a body of a GET", get(&length(hidden.len())) + &hidden, 200);
    add(
        "a chunked body of a GET",
        get(CHUNKED) + &chunk(&hidden),
        200,
    );
    add(
        "a WebSocket of a GET",
        get("Connection: Upgrade\r\nUpgrade: websocket\r\n") + &hidden,
        200,
    );
    add(
        "behind a request to close",
        get("Connection: close\r\n") + &hidden,
        200,
    );
    add(
        "behind a request of HTTP/1.0",
        get("").replace("HTTP/1.1", "HTTP/1.0") + &hidden,
        200,
    );
    add(
        "behind an offer to upgrade",
        get("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n")
            + &hidden,
        200,
    );
    cases
}

#[tokio::test]
async fn a_body_that_is_not_read_is_not_taken_for_a_request() {
    let machine = Machine::new();
    let server = machine.start();
    let forge = Forge::of(&machine);
    let cases = chunks(&forge).into_iter().chain(unread(&forge));
    let cases = cases.map(|(name, it, status)| ((name, status), it));
    for ((name, status), heard) in hear_all(&server, cases.collect()).await {
        assert_eq!(
            (&*heard.statuses, heard.closed),
            (&[status][..], true),
            "{name:?}: {heard:?}"
        );
    }
    assert_nothing_was_written(&machine, &server).await;
}
