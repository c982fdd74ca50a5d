//! Who was hit.

/// The user an event is about. Every part is optional; what the program sets itself is kept.
///
/// ```
/// let user = crumbtrail::User::new("42").email("ada@example.com");
/// assert_eq!(user.id.as_deref(), Some("42"));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct User {
    /// The program's own id of the user: what users are counted by.
    pub id: Option<String>,
    /// The e-mail address.
    pub email: Option<String>,
    /// The name the user signs in with.
    pub username: Option<String>,
    /// The network address the user comes from.
    pub ip_address: Option<String>,
}

impl User {
    /// A user known by the program's own id.
    pub fn new(id: impl Into<String>) -> Self {
        Self { id: Some(id.into()), ..Self::default() }
    }

    /// Adds the e-mail address.
    #[must_use]
    pub fn email(mut self, email: impl Into<String>) -> Self {
        self.email = Some(email.into());
        self
    }

    /// Adds the name the user signs in with.
    #[must_use]
    pub fn username(mut self, username: impl Into<String>) -> Self {
        self.username = Some(username.into());
        self
    }

    /// Adds the network address.
    #[must_use]
    pub fn ip_address(mut self, ip_address: impl Into<String>) -> Self {
        self.ip_address = Some(ip_address.into());
        self
    }

    /// Nothing is known of this user.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
