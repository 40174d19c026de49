//! Starting and stopping the server.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use secrecy::ExposeSecret as _;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{oneshot, watch};

use crate::error::{ShutdownError, StartError};
use crate::front::Front;
use crate::listener;
use crate::settings::{Credentials, Settings};
use crate::store::{BucketName, OpenError, Store, StoreError};

/// The maximum number of threads for disk I/O, created on demand.
const MAX_DISK_THREADS: usize = 16;
/// The time for a last write to the disk after the connections have ended.
const DISK_GRACE: Duration = Duration::from_secs(5);

/// A strict S3 server over one directory, on a thread of its own.
#[derive(Debug)]
pub struct EmbeddedS3;

/// A running server. Dropping it stops the server as [`shutdown`](Self::shutdown) does.
#[derive(Debug)]
pub struct EmbeddedS3Handle {
    addr: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    medium_failed: watch::Receiver<bool>,
    thread: Option<JoinHandle<bool>>,
}

impl EmbeddedS3 {
    /// Starts a server, which is ready when this returns.
    ///
    /// The call blocks on the disk for some milliseconds. It needs no async runtime.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn start(settings: &Settings) -> Result<EmbeddedS3Handle, StartError> {
        let buckets = checked(settings)?;
        let store = open(settings, &buckets)?;
        let (listener, addr) = bind(settings.bind)?;
        let runtime = runtime()?;
        let shutdown_timeout = settings.shutdown_timeout;
        let (failing, medium_failed) = watch::channel(false);
        let front = Arc::new(Front::new(settings, store, failing));
        let (stop, stopped) = oneshot::channel();
        let listener = {
            let _entered = runtime.enter();
            tokio::net::TcpListener::from_std(listener).map_err(StartError::Runtime)?
        };
        let thread = thread::Builder::new()
            .name("embedded-s3".to_owned())
            .spawn(move || {
                let serving = listener::serve(listener, front, stopped, shutdown_timeout);
                let all_finished = runtime.block_on(serving);
                runtime.shutdown_timeout(DISK_GRACE);
                all_finished
            })
            .map_err(StartError::Runtime)?;
        Ok(EmbeddedS3Handle {
            addr,
            stop: Some(stop),
            medium_failed,
            thread: Some(thread),
        })
    }
}

impl EmbeddedS3Handle {
    /// Returns the address of the server, with the assigned port.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Returns the endpoint, such as `http://127.0.0.1:9000`. S3 clients must use path style.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Resolves once a flush to disk has failed, after which the content of the data directory is
    /// known only after a restart; otherwise never. Every later request returns 500, and the process
    /// should exit.
    pub fn medium_failed(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut failed = self.medium_failed.clone();
        async move {
            if failed.wait_for(|failed| *failed).await.is_err() {
                // the server has ended
                std::future::pending::<()>().await;
            }
        }
    }

    /// Accepts no more connections, lets running requests finish within the shutdown timeout of the
    /// [`Settings`], and returns when the thread has ended and the data directory is free.
    ///
    /// It blocks: in async code, call it through `spawn_blocking`.
    ///
    /// # Errors
    /// See [`ShutdownError`]. The server is stopped all the same.
    pub fn shutdown(mut self) -> Result<(), ShutdownError> {
        self.stop()
    }

    fn stop(&mut self) -> Result<(), ShutdownError> {
        if let Some(stop) = self.stop.take() {
            // without a receiver the thread has ended
            let _ = stop.send(());
        }
        match self.thread.take().map(JoinHandle::join) {
            None | Some(Ok(true)) => Ok(()),
            Some(Ok(false)) => Err(ShutdownError::CutOff),
            Some(Err(_)) => Err(ShutdownError::Panicked),
        }
    }
}

impl Drop for EmbeddedS3Handle {
    fn drop(&mut self) {
        // a drop cannot return the error; `shutdown` does
        let _ = self.stop();
    }
}

impl Settings {
    /// Checks the settings, without disk and network access.
    ///
    /// # Errors
    /// Those of [`StartError`] that name a setting.
    pub fn check(&self) -> Result<(), StartError> {
        checked(self).map(drop)
    }
}

fn checked(settings: &Settings) -> Result<Vec<BucketName>, StartError> {
    if !settings.bind.ip().is_loopback() {
        return Err(StartError::NotLoopback {
            addr: settings.bind,
        });
    }
    if !is_well_formed(&settings.credentials) {
        return Err(StartError::Credentials);
    }
    let region = settings.region.as_str();
    let is_region = (1..=32).contains(&region.len())
        && region
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if !is_region {
        return Err(StartError::Region {
            region: region.to_owned(),
        });
    }
    settings
        .buckets
        .iter()
        .map(|bucket| {
            BucketName::parse(bucket).ok_or_else(|| StartError::BucketName {
                bucket: bucket.clone(),
            })
        })
        .collect()
}

/// Checks a key pair. A credential scope delimits a key id by slashes, so it must not have any.
fn is_well_formed(credentials: &Credentials) -> bool {
    let id = credentials.access_key_id.as_bytes();
    (1..=128).contains(&id.len())
        && id
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(byte))
        && !credentials.secret_access_key.expose_secret().is_empty()
}

fn open(settings: &Settings, buckets: &[BucketName]) -> Result<Store, StartError> {
    let data_dir = settings.data_dir.clone();
    let store = Store::open(&data_dir).map_err(|error| match error {
        OpenError::InUse => StartError::InUse {
            data_dir: data_dir.clone(),
        },
        OpenError::UnknownFormat => StartError::UnknownFormat {
            data_dir: data_dir.clone(),
        },
        OpenError::Io(source) => StartError::DataDir {
            data_dir: data_dir.clone(),
            source,
        },
    })?;
    for bucket in buckets {
        match store.create_bucket(bucket) {
            Ok(()) | Err(StoreError::BucketExists) => {}
            Err(error) => {
                return Err(StartError::DataDir {
                    data_dir,
                    source: std::io::Error::other(error),
                });
            }
        }
    }
    Ok(store)
}

fn bind(addr: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let listen = || {
        let listener = TcpListener::bind(addr)?;
        listener.set_nonblocking(true)?;
        let bound = listener.local_addr()?;
        Ok((listener, bound))
    };
    listen().map_err(|source| StartError::Bind { addr, source })
}

fn runtime() -> Result<Runtime, StartError> {
    Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(MAX_DISK_THREADS)
        .thread_name("embedded-s3-disk")
        .build()
        .map_err(StartError::Runtime)
}
