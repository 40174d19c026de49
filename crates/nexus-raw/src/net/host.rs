use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether a host, as a URL has it, is this machine: `localhost` or a loopback address.
#[must_use]
pub fn is_loopback_host(host: &str) -> bool {
    matches!(HostKind::of(host), HostKind::Loopback)
}

/// Whether an address is this machine's alone. An IPv4 address that is mapped into IPv6 (RFC 4291,
/// section 2.5.5.2) is that address.
#[must_use]
pub fn is_loopback_ip(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// Which rule a host falls under.
pub(super) enum HostKind {
    Loopback,
    /// A metadata service, or unspecified.
    Forbidden,
    Other,
}

impl HostKind {
    pub(super) fn of(host: &str) -> Self {
        // with a dot at its end it is the same name, written whole (RFC 1034, section 3.1)
        let name = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
        let v6 = name.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
        // of a scheme that it does not know, the parser leaves an address as text
        match v6.unwrap_or(&name).parse() {
            Ok(IpAddr::V4(address)) => Self::of_v4(address),
            Ok(IpAddr::V6(address)) => Self::of_v6(address),
            Err(_) => Self::of_name(&name),
        }
    }

    fn of_name(name: &str) -> Self {
        match name {
            // RFC 6761, section 6.3; names below it are not resolved to loopback everywhere
            "localhost" => Self::Loopback,
            // the names of the metadata services of EC2 and Google Cloud
            "instance-data"
            | "instance-data.ec2.internal"
            | "metadata"
            | "metadata.google.internal" => Self::Forbidden,
            _ => Self::Other,
        }
    }

    fn of_v4(address: Ipv4Addr) -> Self {
        // 169.254.169.254 (EC2 and most clouds), 169.254.170.2 (ECS tasks), 169.254.170.23 (EKS)
        // are link-local; Alibaba Cloud has 100.100.100.200
        let metadata = address.is_link_local() || address == Ipv4Addr::new(100, 100, 100, 200);
        if metadata || address.octets()[0] == 0 {
            Self::Forbidden
        } else if address.is_loopback() {
            Self::Loopback
        } else {
            Self::Other
        }
    }

    fn of_v6(address: Ipv6Addr) -> Self {
        if let Some(v4) = address.to_ipv4_mapped() {
            return Self::of_v4(v4);
        }
        if let Some(v4) = translated_v4(address) {
            // what a translator would call loopback is its own
            return match Self::of_v4(v4) {
                Self::Loopback => Self::Other,
                kind => kind,
            };
        }
        // fd00:ec2::254 (EC2) and fd00:ec2::23 (EKS) lie in fd00:ec2::/32
        let metadata = address.segments()[..2] == [0xfd00, 0x0ec2];
        if metadata || address.is_unicast_link_local() || address.is_unspecified() {
            Self::Forbidden
        } else if address.is_loopback() {
            Self::Loopback
        } else {
            Self::Other
        }
    }
}

/// The IPv4 address that an IPv6 address is translated to by the well-known prefix of NAT64
/// (RFC 6052, section 2.1).
fn translated_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [.., a, b, c, d] = address.octets();
    let translated = address.segments()[..6] == [0x64, 0xff9b, 0, 0, 0, 0];
    translated.then(|| Ipv4Addr::new(a, b, c, d))
}
