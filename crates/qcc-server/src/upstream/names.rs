//! The names by which a provider knows models: its own table (`models`), a route's name before it, and else the name that
//! the client asked for.

use qcc_policy::Glob;

/// A provider's table, in file order: the first glob that fits counts.
pub(crate) struct Names(Vec<Entry>);

struct Entry {
    glob: Glob,
    written: String,
    name: String,
}

/// A model as a provider gets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sent<'a> {
    pub(crate) name: &'a str,
    /// The glob of the provider's table that fits, as written. What it fits is the route's name where there is one.
    pub(crate) entry: Option<&'a str>,
}

// === impl Names ===

impl Names {
    /// `models`: glob to name, as in the configuration.
    pub(crate) fn new(models: &[(String, String)]) -> Self {
        let entry = |(glob, name): &(String, String)| Entry {
            glob: Glob::new(glob),
            written: glob.clone(),
            name: name.clone(),
        };
        Self(models.iter().map(entry).collect())
    }

    /// The model that goes up for a client that asked for `asked`, over a route that names `routed`.
    pub(crate) fn sent<'a>(&'a self, asked: &'a str, routed: Option<&'a str>) -> Sent<'a> {
        let wanted = routed.unwrap_or(asked);
        let Some(entry) = self.0.iter().find(|entry| entry.glob.matches(wanted)) else {
            return Sent { name: wanted, entry: None };
        };
        let name = if entry.name == "passthrough" { wanted } else { &entry.name };
        Sent { name, entry: Some(&entry.written) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(models: &[(&str, &str)]) -> Names {
        let owned: Vec<_> = models.iter().map(|(glob, name)| ((*glob).to_owned(), (*name).to_owned())).collect();
        Names::new(&owned)
    }

    #[test]
    fn the_first_glob_that_fits_names_the_model() {
        let names = names(&[("*opus*", "big"), ("CLAUDE*", "other"), ("*", "never")]);
        assert_eq!(names.sent("claude-opus-5", None), Sent { name: "big", entry: Some("*opus*") });
        assert_eq!(names.sent("claude-haiku-5", None), Sent { name: "other", entry: Some("CLAUDE*") });
    }

    #[test]
    fn a_routes_name_goes_through_the_table_and_may_be_kept_by_it() {
        let names = names(&[("keep-*", "passthrough"), ("claude*", "mapped")]);
        assert_eq!(names.sent("claude-opus-5", Some("keep-me")), Sent { name: "keep-me", entry: Some("keep-*") });
        assert_eq!(names.sent("claude-opus-5", Some("claude-x")), Sent { name: "mapped", entry: Some("claude*") });
        assert_eq!(names.sent("claude-opus-5", Some("gpt-5")), Sent { name: "gpt-5", entry: None });
    }

    #[test]
    fn brackets_of_a_model_name_are_plain_text_as_in_routes() {
        let names = names(&[("*[1m]", "long")]);
        assert_eq!(names.sent("claude-sonnet-5[1m]", None).name, "long");
        assert_eq!(names.sent("claude-sonnet-51", None).name, "claude-sonnet-51");
    }
}
