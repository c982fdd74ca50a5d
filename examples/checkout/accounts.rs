//! Accounts: sign-up through a provider, which says who the person is.

use anyhow::{Context, Result, bail};
use tracing::{info, instrument, warn};

use crate::remote::{self, Dice};

/// Somebody who wants an account.
pub(crate) struct SignUp {
    pub(crate) number: u64,
    pub(crate) provider: &'static str,
}

/// What a provider tells about a person.
struct Profile {
    born: u16,
}

/// Opens an account and returns its number.
#[instrument(
    skip_all,
    err,
    fields(
        user.email,
        tags.provider = sign_up.provider,
        http.request.method = "POST",
        http.route = "/accounts",
    )
)]
pub(crate) async fn sign_up(sign_up: SignUp) -> Result<u64> {
    let profile = profile(&sign_up).await.with_context(|| format!("no profile from {}", sign_up.provider))?;
    if profile.born > 2008 {
        warn!(born = profile.born, "below age, the account will be limited");
    }
    let free = remote::free_accounts(sign_up.number).await;
    if free < 100 {
        warn!(free, "the account store is nearly full");
    }
    let account =
        remote::open_account(sign_up.number, free).await.context("the account could not be stored")?;
    info!(account, "account opened");
    Ok(account)
}

/// Asks the provider for the profile; a token that has run out is renewed once.
async fn profile(sign_up: &SignUp) -> Result<Profile> {
    let version = remote::version(sign_up.provider);
    if version > 1 {
        warn!(version, "the provider calls this version of its interface a preview");
    }
    let mut answer = remote::provider(sign_up.provider, sign_up.number, 1).await?;
    if answer == "expired" {
        warn!("token has run out, renewing it");
        answer = remote::provider(sign_up.provider, sign_up.number, 2).await?;
    }
    let Some((email, born)) = answer.split_once(' ') else { bail!("half a profile: {answer:?}") };
    tracing::Span::current().record("user.email", email);
    let born = born.parse().with_context(|| format!("{born:?} is no year of birth"))?;
    Ok(Profile { born })
}

impl SignUp {
    /// The sign-up that comes with the request of this number.
    pub(crate) fn of(number: u64) -> Self {
        let provider = match Dice::of("provider", number).below(3) {
            0 => "github",
            1 => "google",
            _ => "mail",
        };
        Self { number, provider }
    }
}
