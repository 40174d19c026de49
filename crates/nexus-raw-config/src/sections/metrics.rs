use std::net::SocketAddr;

use super::forms::ADDRESS;
use crate::section::section;

section! {
    /// `metrics.*`: the listener of `/metrics`.
    #[derive(Debug, Clone)]
    pub struct MetricsSettings from Metrics of "metrics" {
        /// Address of `/metrics` for Prometheus, served without a token: keep it private.
        pub bind: SocketAddr = ADDRESS.default("127.0.0.1:9464").example("127.0.0.1:9100");
    }
}
