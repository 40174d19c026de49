use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    thread,
    time::Duration,
};

use super::{
    Done, Fault, ProxyShared, TICK,
    message::{Message, head_end, header, method, status},
};

/// The interval between two bytes of a slow response: a head takes many seconds.
const DROP_EVERY: Duration = Duration::from_millis(50);

/// Serves the requests of a connection in turn.
pub(super) fn serve(mut client: TcpStream, upstream: SocketAddr, shared: &ProxyShared) {
    while let Ok(Some(request)) = Message::read_head(&mut client) {
        match exchange(&mut client, request, upstream, shared) {
            Ok(true) => {}
            // the client may be gone
            Ok(false) | Err(_) => break,
        }
    }
    let _ = client.shutdown(Shutdown::Both);
}

/// Returns whether the connection can have another request.
fn exchange(
    client: &mut TcpStream,
    mut request: Message,
    upstream: SocketAddr,
    shared: &ProxyShared,
) -> io::Result<bool> {
    let head = request.head_text();
    let method = method(&head);
    let fault = shared.fault_for(method, &head);
    let mut read = |limit: usize, request: &mut Message| {
        request.read_body(client, limit, |bytes| shared.count_body(method, bytes))
    };
    match fault {
        Some(Fault::CutRequest(bytes)) => return read(bytes, &mut request).map(|_| false),
        Some(Fault::StopReading(bytes)) => {
            read(bytes, &mut request)?;
            until_ended(shared);
            return Ok(false);
        }
        Some(Fault::SayEarly(bytes)) => {
            client.write_all(&bytes)?;
            client.shutdown(Shutdown::Write)?;
            request.read_body(client, usize::MAX, |bytes| shared.count_body(method, bytes))?;
            return Ok(false);
        }
        _ => {}
    }
    if !read(usize::MAX, &mut request)? {
        return Ok(false);
    }
    let request = &request;
    let forward = || {
        let answer = forward(request, upstream)?;
        shared.record_response(&head, status(&answer));
        Ok(answer)
    };
    let broken = match fault {
        None => return pass(client, request, &forward()?, |head| head),
        Some(Fault::Dated(date)) => {
            return pass(client, request, &forward()?, |head| dated(&head, date));
        }
        Some(
            Fault::Refuse
            | Fault::Close
            | Fault::CutRequest(_)
            | Fault::StopReading(_)
            | Fault::SayEarly(_),
        ) => Ok(()),
        Some(Fault::Hang) => until_closed(client),
        Some(Fault::Drip) => drip(client, &forward()?),
        Some(Fault::Half) => {
            let answer = forward()?;
            client.write_all(&answer[..answer.len() / 2])
        }
        Some(Fault::Lose) => forward().map(drop),
        Some(Fault::Withhold) => {
            forward()?;
            until_closed(client)
        }
        Some(Fault::KeepAlive) => keep_alive(client, forward),
        Some(Fault::Say(bytes)) => client.write_all(&bytes),
        Some(Fault::SayAndHang(bytes)) => {
            client.write_all(&bytes)?;
            until_closed(client)
        }
    };
    broken.map(|()| false)
}

/// Forwards the store's response with its head as `changed`.
fn pass(
    client: &mut TcpStream,
    request: &Message,
    answer: &[u8],
    changed: impl Fn(String) -> String,
) -> io::Result<bool> {
    let end = head_end(answer).ok_or(io::ErrorKind::InvalidData)?;
    let (head, body) = answer.split_at(end);
    let head = String::from_utf8_lossy(head);
    // our connection to the store ends; the client's can continue if the response has a length
    let has_length =
        header(&head, "content-length").is_some() || method(&request.head_text()) == "HEAD";
    let continues = has_length && !request.is_the_last();
    let kept = head
        .split_inclusive("\r\n")
        .filter(|line| !line.to_ascii_lowercase().starts_with("connection:"));
    let mut head = changed(kept.collect());
    if !continues {
        // else the client might send its next request before it sees the end
        head.truncate(head.trim_end_matches("\r\n").len());
        head.push_str("\r\nconnection: close\r\n\r\n");
    }
    client.write_all(head.as_bytes())?;
    client.write_all(body)?;
    Ok(continues)
}

/// Returns the store's response.
fn forward(request: &Message, upstream: SocketAddr) -> io::Result<Vec<u8>> {
    let mut store = TcpStream::connect(upstream)?;
    let head = String::from_utf8_lossy(&request.head);
    let mut lines: Vec<_> = head
        .trim_end_matches("\r\n")
        .split("\r\n")
        .filter(|line| !line.to_ascii_lowercase().starts_with("connection:"))
        .collect();
    lines.push("connection: close");
    store.write_all(format!("{}\r\n\r\n", lines.join("\r\n")).as_bytes())?;
    store.write_all(&request.body)?;
    let mut answer = Vec::new();
    store.read_to_end(&mut answer)?;
    Ok(answer)
}

fn dated(head: &str, date: &str) -> String {
    let lines = head.trim_end_matches("\r\n").split("\r\n");
    let kept = lines.filter(|line| !line.to_ascii_lowercase().starts_with("date:"));
    let mut head: Vec<_> = kept.map(str::to_owned).collect();
    head.push(format!("date: {date}"));
    format!("{}\r\n\r\n", head.join("\r\n"))
}

fn drip(client: &mut TcpStream, answer: &[u8]) -> Done {
    for byte in answer {
        client.write_all(&[*byte])?;
        thread::sleep(DROP_EVERY);
    }
    Ok(())
}

/// Sends the store's response, which is to be XML, after white space.
fn keep_alive(client: &mut TcpStream, answer: impl Fn() -> io::Result<Vec<u8>>) -> Done {
    const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/xml\r\nconnection: close\r\n\r\n";
    client.write_all(head.as_bytes())?;
    client.write_all(DECLARATION.as_bytes())?;
    for _ in 0..100 {
        client.write_all(b" ")?;
        thread::sleep(DROP_EVERY);
    }
    let answer = answer()?;
    let end = head_end(&answer).ok_or(io::ErrorKind::InvalidData)?;
    let body = String::from_utf8_lossy(&answer[end..]);
    client.write_all(body.trim_start_matches(DECLARATION).as_bytes())
}

/// Waits for the end of the proxy, which reads nothing meanwhile.
fn until_ended(shared: &ProxyShared) {
    while !shared.has_ended() {
        thread::sleep(TICK);
    }
}

/// Reads further data without a response.
fn until_closed(client: &mut TcpStream) -> Done {
    let mut ignored = [0; 1024];
    while client.read(&mut ignored)? > 0 {}
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;
    use crate::FaultyProxy;

    /// What a client receives of a store that answers so, up to the first empty line.
    fn received(answer: &'static str) -> String {
        let store = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = FaultyProxy::before(&format!("http://{}", store.local_addr().unwrap()));
        let answering = thread::spawn(move || {
            let (mut connection, _) = store.accept().unwrap();
            Message::read_head(&mut connection).unwrap().unwrap();
            connection.write_all(answer.as_bytes()).unwrap();
        });
        let address = proxy.endpoint().replace("http://", "");
        let mut client = TcpStream::connect(address).unwrap();
        client.write_all(b"DELETE / HTTP/1.1\r\n\r\n").unwrap();
        let mut head = Vec::new();
        while head_end(&head).is_none() {
            let mut byte = [0];
            client.read_exact(&mut byte).unwrap();
            head.extend(byte);
        }
        answering.join().unwrap();
        String::from_utf8(head).unwrap()
    }

    #[test]
    fn a_response_says_that_it_is_the_last_of_its_connection() {
        let without_length = "HTTP/1.1 204 No Content\r\nserver: s\r\nconnection: close\r\n\r\n";
        let last = "HTTP/1.1 204 No Content\r\nserver: s\r\nconnection: close\r\n\r\n";
        assert_eq!(received(without_length), last);
        let with_length = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        let kept = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
        assert_eq!(received(with_length), kept);
    }
}
