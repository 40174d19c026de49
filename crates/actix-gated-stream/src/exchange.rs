use std::future::pending;

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        ConnectionType,
        header::{CONTENT_LENGTH, TRANSFER_ENCODING},
    },
    web::{Data, Payload},
};
use futures_util::{FutureExt, StreamExt};

use super::connection::{BodyLength, Connection};

/// A service that answers requests.
pub trait Answer: Clone + Send + 'static {
    /// Answers a request with a valid head.
    fn answer(
        &self,
        request: &HttpRequest,
        payload: &mut Payload,
    ) -> impl Future<Output = HttpResponse>;
}

/// Answers one request by the service in the application's data, and decides whether another may
/// follow on the connection. It is the only handler of an application: [`serve`](crate::serve)
/// installs it, and an application without a socket, as in a test, uses it as its
/// `default_service`.
pub async fn exchange<A: Answer>(
    request: HttpRequest,
    mut payload: Payload,
    service: Data<A>,
) -> HttpResponse {
    let connection = request.conn_data::<Connection>();
    let length = body_length(&request);
    if !connection.is_none_or(|connection| connection.serve(length)) {
        // it is closed once the previous responses are sent
        return pending().await;
    }
    let mut response = service.answer(&request, &mut payload).await;
    let unread = !is_at_its_end(&mut payload);
    // upgrades are not supported, and an offer of one does not keep the connection open
    let stays = request.head().connection_type() == ConnectionType::KeepAlive;
    // only the library knows where a chunked body ends: what follows could be misread
    let last = unread || !stays || length == BodyLength::Chunked;
    response.head_mut().set_connection_type(if last {
        ConnectionType::Close
    } else {
        ConnectionType::KeepAlive
    });
    if let Some(connection) = connection {
        connection.request_done(last, unread);
    }
    response
}

/// Returns the length of the body. The library refuses a head with two lengths.
fn body_length(request: &HttpRequest) -> BodyLength {
    let headers = request.headers();
    if headers.contains_key(TRANSFER_ENCODING) {
        return BodyLength::Chunked;
    }
    let length = headers.get(CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok());
    BodyLength::Known(length.map_or(0, |length| length.trim().parse().unwrap_or(0)))
}

/// Returns whether the whole body has arrived, read or not.
fn is_at_its_end(payload: &mut Payload) -> bool {
    loop {
        match payload.next().now_or_never() {
            Some(None) => return true,
            Some(Some(Ok(_))) => {}
            Some(Some(Err(_))) | None => return false,
        }
    }
}
