use std::io::Write;

use crate::{args::ReadArgs, client::Service, failure::Failure, progress::Progress, render};

pub(crate) async fn run(args: &ReadArgs, out: &mut impl Write) -> Result<(), Failure> {
    let service = Service::new(&args.service, Progress::none())?;
    let record = service.asset(args.id).await?;
    if args.json {
        render::document(out, &record.json)
    } else {
        render::record(out, &record.json, record.train_ok_effective)
    }
}
