//! What to do about a provider that could not be asked. The reason lies at the end of a chain of errors, some of which
//! hide what they wrap, so the chain is walked rather than the text read.

use std::error::Error as StdError;
use std::io;

use rustls::CertificateError;

use crate::upstream::SendError;

const NETWORK: &str = "check base_url, the network and the proxy settings";

/// One sentence without a full stop.
pub(super) fn advice(error: &SendError) -> &'static str {
    if let Some(error) = find::<rustls::Error>(error) {
        return about_tls(error);
    }
    // The type of the connector's own error is not public; its text is.
    if crate::upstream::connect::causes(error).contains("dns error") {
        return "nobody knows this name: check the spelling of base_url, the network and DNS";
    }
    NETWORK
}

fn about_tls(error: &rustls::Error) -> &'static str {
    match error {
        rustls::Error::InvalidCertificate(
            CertificateError::UnknownIssuer | CertificateError::BadSignature | CertificateError::Revoked,
        ) => "a proxy on the way may open TLS: give the provider its root certificate as `ca_file`, if you trust it",
        rustls::Error::InvalidCertificate(
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. },
        ) => "check this machine's clock first; if it is right, the provider has to renew its certificate",
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => "the certificate belongs to another name: check base_url",
        rustls::Error::InvalidMessage(_) => "what answers there speaks no TLS: should base_url begin with `http://`?",
        _ => NETWORK,
    }
}

/// The first error of this type in the chain. `io::Error` keeps what it wraps out of `source`.
fn find<'e, T: StdError + 'static>(error: &'e (dyn StdError + 'static)) -> Option<&'e T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = wrapped.map(|inner| inner as &(dyn StdError + 'static)).or_else(|| error.source());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrapped(error: rustls::Error) -> SendError {
        SendError::Connect(Box::new(io::Error::other(io::Error::other(error))))
    }

    #[test]
    fn a_fault_of_tls_is_found_behind_what_wraps_it() {
        let of = |fault: CertificateError| advice(&wrapped(rustls::Error::InvalidCertificate(fault)));
        assert!(of(CertificateError::UnknownIssuer).contains("ca_file"));
        assert!(of(CertificateError::Expired).contains("clock"));
        assert!(of(CertificateError::NotValidYet).contains("clock"));
        assert!(of(CertificateError::NotValidForName).contains("another name"));
        let no_tls = rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType);
        assert!(advice(&wrapped(no_tls)).contains("http://"));
    }

    #[test]
    fn every_other_fault_has_the_general_advice() {
        assert_eq!(advice(&SendError::Closed), NETWORK);
        assert_eq!(advice(&wrapped(rustls::Error::HandshakeNotComplete)), NETWORK);
    }

    #[test]
    fn a_name_that_does_not_exist_is_told_apart() {
        assert!(advice(&SendError::Connect("dns error: no such host".into())).contains("name"));
    }
}
