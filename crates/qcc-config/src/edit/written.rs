//! The file in the words of its user, for lists and for commands that change it: what is written, with the defaults, but
//! with every `${...}` as it stands, so that no variable has to be set to look at it.

/// Where the credential of a provider comes from. Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// The client's own goes through.
    Passthrough,
    /// The text is one `${VAR}` or `${file:...}`, as written.
    Reference(String),
    /// It stands in the file itself.
    Literal,
    /// There is none.
    Missing,
}

/// A provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenProvider {
    /// As written.
    pub name: String,
    /// `type`
    pub kind: String,
    /// Without user information and query, in which secrets may stand.
    pub base_url: String,
    /// `auth_type`
    pub auth_type: String,
    /// `auth_value`
    pub credential: Credential,
    /// `enabled`
    pub enabled: bool,
    /// 1-based line.
    pub line: usize,
}

/// A profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenProfile {
    /// As written.
    pub name: String,
    /// Empty when there is none.
    pub description: String,
    /// `primary`, `secondary`, `fallback`.
    pub tier: Option<String>,
    /// `None`: the one of `loadbalancer.strategy`.
    pub strategy: Option<String>,
    /// In file order.
    pub endpoints: Vec<WrittenEndpoint>,
    /// 1-based line.
    pub line: usize,
}

/// A provider's place in a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenEndpoint {
    /// Name of the provider.
    pub provider: String,
    /// `weight`, as a number where it is one.
    pub weight: u32,
    /// `priority`, as a number where it is one.
    pub priority: u32,
    /// `enabled`
    pub enabled: bool,
    /// 1-based line.
    pub line: usize,
}

/// A model route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenRoute {
    /// The glob as written.
    pub glob: String,
    /// Providers that it names.
    pub providers: Vec<String>,
    /// Profiles that it names.
    pub profiles: Vec<String>,
    /// 1-based line.
    pub line: usize,
}
