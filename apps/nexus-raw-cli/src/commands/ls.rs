use std::io::{Write, stdout};

use reqwest::StatusCode;

use crate::{
    args::{ListArgs, Time},
    client::Service,
    failure::{Failure, Peer},
    progress::Progress,
    render::AssetTable,
};

/// The maximum number of assets per page, as in the service.
const PAGE_LIMIT: u64 = 1000;

/// Prints page after page, each as it arrives. A page may be empty without being the last.
pub(crate) async fn run(args: &ListArgs, out: &mut impl Write) -> Result<(), Failure> {
    let service = Service::new(&args.service, Progress::none())?;
    let filters = filters(args);
    let terminal = terminal_size::terminal_size_of(stdout());
    let columns = terminal.map(|(columns, _)| columns.0.into());
    let mut table = AssetTable::new(args.json, columns);
    let mut left = args.limit;
    let mut cursor = None;
    loop {
        let limit = left.unwrap_or(PAGE_LIMIT).min(PAGE_LIMIT);
        let page = service.assets(&filters, limit, cursor.as_deref()).await?;
        let (count, next) = table.write(out, &page)?;
        out.flush()?;
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        // a server that repeats itself would be followed for ever
        if count > limit || (next.is_some() && next == cursor) {
            return Err(Failure::UnexpectedResponse {
                from: Peer::Service,
                status: StatusCode::OK,
            });
        }
        left = left.map(|left| left - count);
        cursor = next;
        if cursor.is_none() || left == Some(0) {
            return Ok(());
        }
    }
}

/// Returns the filters as parameters of the query.
fn filters(args: &ListArgs) -> Vec<(String, String)> {
    let named = [
        ("sha256", args.sha256.map(|it| it.to_string())),
        ("size_bytes", args.size_bytes.map(|it| it.to_string())),
        ("content_type", args.content_type.clone()),
        ("filename", args.filename.clone()),
        ("filename_prefix", args.filename_prefix.clone()),
        ("registered_by", args.registered_by.clone()),
        ("captured_from", time(args.captured_from.as_ref())),
        ("captured_to", time(args.captured_to.as_ref())),
        ("imported_from", time(args.imported_from.as_ref())),
        ("imported_to", time(args.imported_to.as_ref())),
        ("derived_from", args.derived_from.map(|it| it.to_string())),
        ("pii_flag", args.pii_flag.map(|it| it.as_str().to_owned())),
        ("train_ok", args.train_ok.map(|it| it.to_string())),
        (
            "train_ok_effective",
            args.train_ok_effective.map(|it| it.to_string()),
        ),
    ];
    let named = named
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)));
    let labels = args.label.iter();
    let labels = labels.map(|(key, value)| (format!("label.{key}"), value.clone()));
    named.chain(labels).collect()
}

fn time(given: Option<&Time>) -> Option<String> {
    given.map(|it| it.sent().to_owned())
}
