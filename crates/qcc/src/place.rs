//! Where an address leads: to the gateway itself, to this machine, or elsewhere. A provider, a proxy or a client's base
//! URL that leads back to the gateway makes requests go in a circle until everything is full.

use std::net::{IpAddr, SocketAddr, UdpSocket};

use http::Uri;

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// In lower case, without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// Where the gateway listens, or will.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Here {
    pub(crate) addresses: Vec<SocketAddr>,
    /// This machine's own name.
    pub(crate) name: String,
}

// === impl Place ===

impl Place {
    /// The place that a URL names, or a bare `host:port` as proxy variables hold it.
    pub(crate) fn of(url: &str) -> Option<Self> {
        let url = url.trim();
        let url = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
        let uri: Uri = url.parse().ok()?;
        let usual = match uri.scheme_str()? {
            "https" => 443,
            scheme if scheme.starts_with("socks") => 1080,
            _ => 80,
        };
        let host = uri.host()?.trim_matches(['[', ']']).trim_end_matches('.').to_ascii_lowercase();
        (!host.is_empty()).then(|| Self { host, port: uri.port_u16().unwrap_or(usual) })
    }

    /// The address, where the host is written as one or is a name of loopback.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        match self.host.parse::<IpAddr>() {
            Ok(address) => Some(address.to_canonical()),
            Err(_) => qcc_config::is_loopback(&self.host).then_some(std::net::Ipv4Addr::LOCALHOST.into()),
        }
    }

    /// Whether only this machine itself can be meant: loopback, or the address that stands for all of its own.
    pub(crate) fn is_local(&self) -> bool {
        self.address().is_some_and(|address| address.is_loopback() || address.is_unspecified())
    }

    /// For people: without user, password, path or query.
    pub(crate) fn shown(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

// === impl Here ===

impl Here {
    /// Whether something that goes to `place` arrives at the gateway. `resolved` is what the name stands for, as far as
    /// it was looked up.
    pub(crate) fn is(&self, place: &Place, resolved: &[IpAddr]) -> bool {
        let ours = |own: &SocketAddr| {
            own.port() == place.port
                && (self.is_named(place)
                    || place.address().into_iter().chain(resolved.iter().copied()).any(|to| arrives(to, own.ip())))
        };
        self.addresses.iter().any(ours)
    }

    /// Whether a name has to be looked up to know.
    pub(crate) fn depends_on_name(&self, place: &Place) -> bool {
        place.address().is_none() && self.addresses.iter().any(|own| own.port() == place.port)
    }

    fn is_named(&self, place: &Place) -> bool {
        let name = self.name.to_ascii_lowercase();
        let first = |name: &str| name.split('.').next().unwrap_or_default().to_owned();
        // A short name may stand for the long one and the other way round, but two long ones have to be equal.
        let short = !name.contains('.') || !place.host.contains('.');
        place.address().is_none()
            && !name.is_empty()
            && (place.host == name || short && first(&place.host) == first(&name))
    }
}

/// Whether what is sent to `to` reaches a socket that listens on `own`.
fn arrives(to: IpAddr, own: IpAddr) -> bool {
    let to = to.to_canonical();
    let loopback = to.is_loopback() || to.is_unspecified();
    to == own || loopback && own.is_loopback() || own.is_unspecified() && (loopback || is_of_this_machine(to))
}

/// A socket can be bound only to an address of one's own. Nothing is sent.
fn is_of_this_machine(address: IpAddr) -> bool {
    UdpSocket::bind((address, 0)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(url: &str) -> Place {
        Place::of(url).unwrap()
    }

    fn here(own: &str) -> Here {
        Here { addresses: vec![own.parse().unwrap()], name: "desk".to_owned() }
    }

    #[test]
    fn a_place_is_read_from_urls_and_from_what_proxy_variables_hold() {
        let read = |url: &str| Place::of(url).map(|place| place.shown());
        assert_eq!(read("https://Api.Example.COM./v1").as_deref(), Some("api.example.com:443"));
        assert_eq!(read("http://user:secret@proxy.lan:3128/x").as_deref(), Some("proxy.lan:3128"));
        assert_eq!(read("proxy.lan:3128").as_deref(), Some("proxy.lan:3128"));
        assert_eq!(read("socks5h://127.0.0.1").as_deref(), Some("127.0.0.1:1080"));
        assert_eq!(read("http://[::1]:7860").as_deref(), Some("[::1]:7860"));
        assert_eq!(read("not a url"), None);
    }

    #[test]
    fn every_spelling_of_loopback_at_the_own_port_leads_here() {
        let here = here("127.0.0.1:7860");
        for host in ["127.0.0.1", "127.8.8.8", "localhost", "LOCALHOST.", "a.localhost", "[::1]", "0.0.0.0", "[::]"] {
            assert!(here.is(&place(&format!("http://{host}:7860/v1")), &[]), "{host}");
            assert!(!here.is(&place(&format!("http://{host}:7861")), &[]), "{host} at another port");
        }
        assert!(here.is(&place("http://[::ffff:127.0.0.1]:7860"), &[]));
    }

    #[test]
    fn the_machines_own_name_leads_here_and_another_does_not() {
        let here = here("0.0.0.0:7860");
        assert!(here.is(&place("http://desk:7860"), &[]));
        assert!(here.is(&place("http://Desk.lan:7860"), &[]));
        assert!(!here.is(&place("http://table.lan:7860"), &[]));
        let long = Here { name: "desk.lan".to_owned(), ..here };
        assert!(!long.is(&place("http://desk.example.com:7860"), &[]));
    }

    #[test]
    fn a_name_that_stands_for_an_address_of_this_machine_leads_here() {
        let here = here("0.0.0.0:7860");
        let alias = place("http://gateway.example:7860");
        assert!(here.depends_on_name(&alias));
        assert!(!here.depends_on_name(&place("http://gateway.example")));
        assert!(here.is(&alias, &["127.0.1.1".parse().unwrap()]));
        // 192.0.2.0/24 is for documentation (RFC 5737): no machine has it.
        assert!(!here.is(&alias, &["192.0.2.1".parse().unwrap()]));
    }

    #[test]
    fn one_address_among_several_is_reached_by_itself_alone() {
        let here = here("192.0.2.7:7860");
        assert!(here.is(&place("http://192.0.2.7:7860"), &[]));
        assert!(!here.is(&place("http://127.0.0.1:7860"), &[]));
        assert!(!here.is(&place("http://192.0.2.8:7860"), &[]));
    }
}
