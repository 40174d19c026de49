use actix_gated_stream::{GatedStream, OpenConnections};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
};

use super::*;

fn tenant(name: &str) -> TenantId {
    TenantId::parse(name).unwrap()
}

fn answers(bytes: usize) -> Answers {
    Answers::new(AnswerSettings {
        bytes,
        ..AnswerSettings::default()
    })
}

fn fits(answers: &Answers, name: &str, bytes: usize) -> Option<Charge> {
    answers.charge(Some(&tenant(name)), bytes).ok()
}

#[test]
fn a_tenant_has_half_of_what_is_free_and_the_next_always_finds_some() {
    let answers = answers(1200);
    // a third of all is as much as is free, halved
    let alone = fits(&answers, "t_a", 400).unwrap();
    assert!(fits(&answers, "t_a", 1).is_none());
    let second = fits(&answers, "t_b", 266).unwrap();
    assert!(fits(&answers, "t_b", 10).is_none());
    let stranger = answers.charge(None, 178).unwrap();
    assert!(answers.charge(None, 10).is_err());
    let others: Vec<_> = (0..20)
        .map(|n| fits(&answers, &format!("t_{n}"), 5))
        .collect();
    assert!(others.iter().all(Option::is_some));
    assert_eq!(answers.under_way(), 400 + 266 + 178 + 100);
    drop((alone, second, stranger, others));
    assert_eq!(answers.under_way(), 0);
    assert!(answers.0.lock().of.is_empty());
    assert!(fits(&answers, "t_a", 400).is_some());
}

#[test]
fn what_was_reserved_is_enough_and_counts_as_what_it_comes_to() {
    let answers = answers(120_000);
    let reserved = fits(&answers, "t_a", 12_000);
    let _others = [fits(&answers, "t_a", 20_000), fits(&answers, "t_b", 20_000)];
    let of = |bytes: usize| HttpResponse::Ok().body(vec![b'x'; bytes]);
    let taken = tenant("t_a");
    let refused = answers.admit(of(30_000), Some(&taken), None, None);
    assert!(matches!(refused, Err(ApiError::TooMuchUnderWay)));
    let made = answers.admit(of(30_000), Some(&taken), reserved, None);
    assert_eq!(answers.under_way(), 70_000);
    drop(made.unwrap());
    assert_eq!(answers.under_way(), 40_000);
    let small = answers.admit(of(FREE_BYTES), Some(&taken), None, None);
    assert_eq!(answers.under_way(), 40_000);
    drop(small.unwrap());
}

#[actix_web::test]
async fn a_counted_body_comes_whole_in_pieces_under_its_length() {
    let bytes: Vec<u8> = (0..100_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let answers = Answers::default();
    let response = HttpResponse::Ok().body(bytes.clone());
    let response = answers.admit(response, None, None, None).unwrap();
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

/// What is with the library, and too little for it to ask for room, is not sent yet.
#[actix_web::test]
async fn what_the_library_has_counts_until_it_is_with_the_system() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let socket = TcpStream::connect(listener.local_addr().unwrap());
    let open = OpenConnections::new(1, ());
    let (mut stream, _closed) = GatedStream::new(socket.await.unwrap(), &open);
    let answers = Answers::default();
    let response = HttpResponse::Ok().body(vec![b'x'; 10_000]);
    let response = answers.admit(response, None, None, Some(stream.connection()));
    drop(response.unwrap());
    assert_eq!(answers.under_way(), 10_000);
    stream.flush().await.unwrap();
    assert_eq!(answers.under_way(), 0);

    let response = HttpResponse::Ok().body(vec![b'x'; 10_000]);
    let response = answers.admit(response, None, None, Some(stream.connection()));
    drop(response.unwrap());
    drop(stream);
    assert_eq!(answers.under_way(), 0);
}
