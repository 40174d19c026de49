use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use super::{Fault, FaultRule, FaultyProxy, ProxyEntry};

const BODY: &[u8] = b"ten bytes.";

/// A store that takes everything, and the proxy before it. It ends with the process.
fn site() -> (FaultyProxy, Arc<Mutex<Vec<Vec<u8>>>>) {
    let store = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = FaultyProxy::before(&format!("http://{}", store.local_addr().unwrap()));
    let stored = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&stored);
    thread::spawn(move || {
        for mut connection in store.incoming().flatten() {
            let mut request = vec![0; 1024];
            let mut length = 0;
            while !request[..length].ends_with(BODY) {
                length += connection.read(&mut request[length..]).unwrap();
            }
            kept.lock().unwrap().push(request[..length].to_vec());
            let _ = connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
        }
    });
    (proxy, stored)
}

/// Sends a request, and returns what comes until the proxy closes or is silent.
fn put(proxy: &FaultyProxy) -> String {
    let address = proxy.endpoint().replace("http://", "");
    let mut client = TcpStream::connect(address).unwrap();
    let head = "PUT /key?partNumber=7 HTTP/1.1\r\nconnection: close\r\ncontent-length: 10\r\n\r\n";
    client.write_all(head.as_bytes()).unwrap();
    let _ = client.write_all(BODY);
    client
        .set_read_timeout(Some(Duration::from_millis(200)))
        .unwrap();
    let mut answer = Vec::new();
    let _ = client.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}

#[test]
fn each_fault_of_an_upload_reads_sends_and_stores_as_much_as_it_says() {
    for (fault, stores, answer) in [
        (None, true, "HTTP/1.1 200 OK"),
        (Some(Fault::CutRequest(0)), false, ""),
        (Some(Fault::StopReading(0)), false, ""),
        (Some(Fault::Close), false, ""),
        (Some(Fault::Lose), true, ""),
        (Some(Fault::Withhold), true, ""),
        (Some(Fault::SayEarly(b"early".to_vec())), false, "early"),
    ] {
        let (proxy, stored) = site();
        let rule = FaultRule::on("PUT");
        proxy.follow(fault.clone().map(|fault| rule.fault(fault)));
        let received = put(&proxy);
        assert!(received.starts_with(answer), "{fault:?}: {received}");
        assert_eq!(received.is_empty(), answer.is_empty(), "{fault:?}");
        let read = proxy.body_bytes("PUT");
        assert!(read == BODY.len() as u64 || !stores, "{fault:?}: {read}");
        assert_eq!(proxy.body_bytes("GET"), 0, "{fault:?}");
        assert_eq!(
            stored.lock().unwrap().len(),
            usize::from(stores),
            "{fault:?}"
        );
        let entry = |status| ProxyEntry {
            method: "PUT".to_owned(),
            target: "/key?partNumber=7".to_owned(),
            status,
        };
        let log: Vec<_> = [entry(None)]
            .into_iter()
            .chain(stores.then(|| entry(Some(200))))
            .collect();
        assert_eq!(proxy.log(), log, "{fault:?}");
    }
}

#[test]
fn a_rule_is_for_some_requests_and_calls_when_one_arrives() {
    let (proxy, stored) = site();
    let called = Arc::new(Mutex::new(Vec::new()));
    let numbers = Arc::clone(&called);
    let rule = FaultRule::on("PUT")
        .containing("partNumber=7")
        .only(2..=2)
        .calling(move |number| numbers.lock().unwrap().push(number))
        .fault(Fault::Close);
    let first = FaultRule::on("PUT").only(..=1);
    let other = FaultRule::on("PUT").containing("partNumber=8");
    proxy.follow([first, other, rule]);
    let answers = [put(&proxy), put(&proxy), put(&proxy)];
    let answered: Vec<_> = answers.iter().map(|it| !it.is_empty()).collect();
    assert_eq!(answered, [true, false, true]);
    assert_eq!(*called.lock().unwrap(), [2]);
    assert_eq!(stored.lock().unwrap().len(), 2);
}
