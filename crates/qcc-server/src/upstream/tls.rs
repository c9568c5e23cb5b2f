//! Whom TLS trusts: the system's roots; Mozilla's where the system has none (an empty container); a provider's own
//! `ca_file` beside them. Loaded when the first `https` connection is made, so that start-up does not wait for it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use super::connect::BoxError;

/// The roots of this machine, read once.
#[derive(Default)]
pub(crate) struct Roots {
    system: OnceLock<Arc<RootCertStore>>,
}

/// A `ca_file` that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("ca_file {}: {what}", path.display())]
struct BadCaFile {
    path: PathBuf,
    what: String,
}

impl Roots {
    /// A TLS configuration that trusts the system and `ca_file`. Reads files, away from the async threads.
    pub(crate) async fn client_config(self: &Arc<Self>, ca_file: Option<PathBuf>) -> Result<ClientConfig, BoxError> {
        let roots = Arc::clone(self);
        tokio::task::spawn_blocking(move || {
            let system = roots.system.get_or_init(|| Arc::new(system_roots()));
            let trusted = match ca_file {
                None => Arc::clone(system),
                Some(path) => Arc::new(with_file(system, path)?),
            };
            let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
            let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
            Ok(versions.with_root_certificates(trusted).with_no_client_auth())
        })
        .await?
    }
}

/// Whom TLS trusts on this machine, for a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trusted {
    /// Usable certificates of the system, or of what `SSL_CERT_FILE` and `SSL_CERT_DIR` name in its place.
    pub system: usize,
    /// What could not be read, one sentence each.
    pub faults: Vec<String>,
    /// The system gave none, so Mozilla's roots, which this program brings, stand in.
    pub bundled: bool,
}

/// Counts the roots that a connection made now would trust. Reads files.
#[must_use]
pub fn trusted() -> Trusted {
    let (store, errors) = read_system();
    let faults = errors.iter().map(ToString::to_string).collect();
    Trusted { system: store.len(), faults, bundled: store.is_empty() }
}

/// How many certificates a `ca_file` adds.
///
/// # Errors
/// When it cannot be read, or holds none: then no connection to its provider can be made.
pub fn certificates_in(ca_file: &Path) -> Result<usize, String> {
    add_file(&mut RootCertStore::empty(), ca_file)
}

fn read_system() -> (RootCertStore, Vec<rustls_native_certs::Error>) {
    let mut store = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    store.add_parsable_certificates(found.certs);
    (store, found.errors)
}

fn system_roots() -> RootCertStore {
    let (mut store, _reported_by_trusted) = read_system();
    if store.is_empty() {
        store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    store
}

fn with_file(system: &RootCertStore, path: PathBuf) -> Result<RootCertStore, BoxError> {
    let mut store = system.clone();
    match add_file(&mut store, &path) {
        Ok(_) => Ok(store),
        Err(what) => Err(BadCaFile { path, what }.into()),
    }
}

fn add_file(store: &mut RootCertStore, path: &Path) -> Result<usize, String> {
    let certs = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| error.to_string())?;
    match store.add_parsable_certificates(certs) {
        (0, _) => Err("no certificate in it".to_owned()),
        (added, _) => Ok(added),
    }
}
