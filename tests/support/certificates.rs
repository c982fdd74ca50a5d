//! Certificates for the servers of tests, made on the spot.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

/// Somebody who says who others are.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key.
pub(crate) struct Identity {
    certificate: CertificateDer<'static>,
    key: KeyPair,
    pem: String,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key can be made");
        // No two by the same name: who is unknown is not taken for somebody else.
        let number = key.public_key_raw().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        params.distinguished_name.push(DnType::CommonName, format!("authority {}", &number[2..18]));
        Self(CertifiedIssuer::self_signed(params, key).expect("it signs for itself"))
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// Somebody by that name, until the end of that year.
    pub(crate) fn issue(&self, name: &str, year: i32) -> Identity {
        let mut params = CertificateParams::new([name.to_owned()]).expect("the name can be one");
        (params.not_before, params.not_after) = (date_time_ymd(2000, 1, 1), date_time_ymd(year, 12, 31));
        let key = KeyPair::generate().expect("a key can be made");
        let certificate = params.signed_by(&key, &self.0).expect("it signs");
        Identity { pem: certificate.pem(), certificate: certificate.der().clone(), key }
    }
}

impl Identity {
    /// Certificate and key.
    pub(crate) fn pem(&self) -> String {
        format!("{}{}", self.pem, self.key.serialize_pem())
    }

    /// A server that is this one; `clients` may say who may talk to it.
    pub(crate) fn server(&self, clients: Option<&Authority>) -> Arc<ServerConfig> {
        let provider: Arc<CryptoProvider> = aws_lc_rs::default_provider().into();
        let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .expect("the provider knows the usual versions");
        let config = match clients {
            None => config.with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                roots.add(authority.0.der().clone()).expect("it is an authority's");
                let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
                config.with_client_cert_verifier(verifier.build().expect("there is an authority"))
            }
        };
        let key = PrivatePkcs8KeyDer::from(self.key.serialize_der());
        let config = config.with_single_cert(vec![self.certificate.clone()], key.into());
        Arc::new(config.expect("the key is the certificate's"))
    }
}
