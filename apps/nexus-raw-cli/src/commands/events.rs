use std::{
    future::pending,
    io::{ErrorKind, Write},
    pin::pin,
};

use nexus_raw::asset::AssetId;

use crate::{
    args::EventsArgs,
    client::Service,
    failure::Failure,
    progress::Progress,
    render::{AssetEvents, Feed},
};

/// The maximum time that the service waits for an event.
const WAIT_SECONDS: u8 = 20;

pub(crate) async fn run(args: &EventsArgs, out: &mut impl Write) -> Result<(), Failure> {
    let service = Service::new(&args.service, Progress::none())?;
    match args.id {
        Some(id) => of_asset(&service, id, args.json, out).await,
        None => of_all(&service, args, out).await,
    }
}

async fn of_asset(
    service: &Service,
    id: AssetId,
    json: bool,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let mut events = AssetEvents::new(json);
    loop {
        let page = service.events(id, events.last()).await?;
        if events.add(out, &page)? == 0 {
            return events.end(out);
        }
    }
}

/// Prints page after page, each as it arrives. A reader may stop anywhere and resume from the last
/// printed sequence number.
async fn of_all(service: &Service, args: &EventsArgs, out: &mut impl Write) -> Result<(), Failure> {
    let mut feed = Feed::after(args.after.unwrap_or(0), args.json);
    let mut unread = pin!(unread());
    loop {
        let page = if args.follow {
            // the next event may be long in coming
            tokio::select! {
                page = service.feed(feed.last(), WAIT_SECONDS) => page?,
                () = &mut unread => return Err(Failure::Output(ErrorKind::BrokenPipe.into())),
            }
        } else {
            service.feed(feed.last(), 0).await?
        };
        let count = feed.write(out, &page)?;
        out.flush()?;
        if !args.follow && count == 0 {
            return Ok(());
        }
    }
}

/// Waits until the reader of standard output has closed its pipe: for ever where there is none.
#[cfg(unix)]
async fn unread() {
    use rustix::event::{PollFd, PollFlags, poll};

    let closed = tokio::task::spawn_blocking(|| {
        let out = std::io::stdout();
        // that it is closed is reported unasked
        let mut polled = [PollFd::new(&out, PollFlags::empty())];
        while poll(&mut polled, None) == Err(rustix::io::Errno::INTR) {}
        !polled[0].revents().is_empty()
    });
    if !closed.await.unwrap_or_default() {
        pending::<()>().await;
    }
}

#[cfg(not(unix))]
async fn unread() {
    pending::<()>().await;
}
