//! Serves a new directory to other programs, and prints its endpoint: for a look by hand, and for
//! the clients of `make soak PARTS=embedded-s3`. It ends with its standard input.

use std::{
    error::Error,
    io::{self, Write as _},
};

use nexus_raw_embedded_s3::{Credentials, EmbeddedS3, Settings};

fn main() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let credentials = Credentials {
        access_key_id: "AKIDEXAMPLE".to_owned(),
        secret_access_key: "a secret for loopback alone".into(),
    };
    let settings = Settings::new(directory.path(), credentials).with_bucket("raw");
    let server = EmbeddedS3::start(&settings)?;
    writeln!(io::stdout(), "{}", server.endpoint())?;
    io::copy(&mut io::stdin(), &mut io::sink())?;
    server.shutdown()?;
    Ok(())
}
