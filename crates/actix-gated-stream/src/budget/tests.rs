use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
};

use super::*;
use crate::{Deadlines, GatedStream, OpenConnections};

type Budget = AnswerBudget<Option<&'static str>>;

fn fits(budget: &Budget, key: &'static str, bytes: usize) -> Option<Charge<Option<&'static str>>> {
    budget.charge(Some(key), bytes).ok()
}

#[test]
fn each_has_half_of_what_is_free_and_the_next_always_finds_some() {
    let budget = Budget::new(1200);
    // a third of all is as much as is free, halved
    let alone = fits(&budget, "a", 400).unwrap();
    assert!(fits(&budget, "a", 1).is_none());
    let second = fits(&budget, "b", 266).unwrap();
    assert!(fits(&budget, "b", 10).is_none());
    let stranger = budget.charge(None, 178).unwrap();
    assert_eq!(budget.charge(None, 10).err(), Some(OverBudget));
    let others = [
        "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16",
        "17", "18", "19",
    ];
    let others = others.map(|name| fits(&budget, name, 5));
    assert!(others.iter().all(Option::is_some));
    assert_eq!(budget.in_flight(), 400 + 266 + 178 + 100);
    drop((alone, second, stranger, others));
    assert_eq!(budget.in_flight(), 0);
    assert!(budget.0.lock().of.is_empty());
    assert!(fits(&budget, "a", 400).is_some());
}

#[test]
fn what_was_reserved_is_enough_and_counts_as_what_it_comes_to() {
    let budget = Budget::new(120_000);
    let reserved = fits(&budget, "a", 12_000);
    let _others = [fits(&budget, "a", 20_000), fits(&budget, "b", 20_000)];
    let of = |bytes: usize| HttpResponse::Ok().body(vec![b'x'; bytes]);
    let refused = budget.admit(of(30_000), Some("a"), None, None);
    assert_eq!(refused.err(), Some(OverBudget));
    let made = budget.admit(of(30_000), Some("a"), reserved, None);
    assert_eq!(budget.in_flight(), 70_000);
    drop(made.unwrap());
    assert_eq!(budget.in_flight(), 40_000);
    let small = budget.admit(of(FREE_BYTES), Some("a"), None, None);
    assert_eq!(budget.in_flight(), 40_000);
    drop(small.unwrap());
}

#[actix_web::test]
async fn a_counted_body_comes_whole_in_pieces_under_its_length() {
    let bytes: Vec<u8> = (0..100_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let budget = Budget::new(1_000_000);
    let response = HttpResponse::Ok().body(bytes.clone());
    let response = budget.admit(response, None, None, None).unwrap();
    let mut body = Box::pin(response.into_body());
    assert_eq!(body.size(), BodySize::Sized(100_000));
    let mut came = Vec::new();
    while let Some(piece) = std::future::poll_fn(|cx| body.as_mut().poll_next(cx)).await {
        let piece = piece.unwrap();
        assert!(piece.len() <= PIECE_BYTES);
        came.extend_from_slice(&piece);
    }
    assert!(came == bytes);
}

/// What is with the library, and too little for it to request room, is not sent yet.
#[actix_web::test]
async fn what_the_library_has_counts_until_it_is_with_the_system() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let socket = TcpStream::connect(listener.local_addr().unwrap());
    let open = OpenConnections::new(1, ());
    let (mut stream, _closed) =
        GatedStream::new(socket.await.unwrap(), Deadlines::default(), &open);
    let budget = Budget::new(1_000_000);
    let response = HttpResponse::Ok().body(vec![b'x'; 10_000]);
    let response = budget.admit(response, None, None, Some(stream.connection()));
    drop(response.unwrap());
    assert_eq!(budget.in_flight(), 10_000);
    stream.flush().await.unwrap();
    assert_eq!(budget.in_flight(), 0);

    let response = HttpResponse::Ok().body(vec![b'x'; 10_000]);
    let response = budget.admit(response, None, None, Some(stream.connection()));
    drop(response.unwrap());
    drop(stream);
    assert_eq!(budget.in_flight(), 0);
}
