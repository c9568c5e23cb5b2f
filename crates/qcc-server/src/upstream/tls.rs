//! Whom TLS trusts: the system's roots; Mozilla's where the system has none (an empty container); a provider's own
//! `ca_file` beside them. Loaded when the first `https` connection is made, so that start-up does not wait for it.

use std::path::PathBuf;
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

fn system_roots() -> RootCertStore {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if store.is_empty() {
        store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    store
}

fn with_file(system: &RootCertStore, path: PathBuf) -> Result<RootCertStore, BoxError> {
    let mut store = system.clone();
    let certs = CertificateDer::pem_file_iter(&path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| BadCaFile { path: path.clone(), what: error.to_string() })?;
    let (added, _) = store.add_parsable_certificates(certs);
    if added == 0 {
        return Err(BadCaFile { path, what: "no certificate in it".to_owned() }.into());
    }
    Ok(store)
}
