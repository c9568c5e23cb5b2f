//! From a dotted name to its place. Names of providers and models hold dots themselves, so at a place where names are the
//! user's own the longest one that exists is taken.

use crate::edit::{Document, Node, Step};
use crate::redact;
use crate::suggest::nearest;

use super::shape::{Property, Shape, root};
use super::unknown::{shown, unknown, which};
use super::{Key, Takes, Unfit, name};

/// A place on the way.
#[derive(Clone)]
struct Place<'a> {
    property: &'a Property,
    path: Vec<Step>,
    name: String,
    help: &'a str,
}

/// The key of a dotted name.
pub(super) fn find(dotted: &str, document: &Document) -> Result<Key, Unfit> {
    let start = Place { property: root(), path: Vec::new(), name: String::new(), help: "" };
    let dotted = dotted.trim();
    if dotted.is_empty() {
        return Err(unknown(dotted, document));
    }
    Finder { dotted, document }.walk(&start, Some(dotted))
}

struct Finder<'a> {
    dotted: &'a str,
    document: &'a Document,
}

impl Finder<'_> {
    /// `rest` is what of the name is left; `None`: this is the place.
    fn walk(&self, place: &Place<'_>, rest: Option<&str>) -> Result<Key, Unfit> {
        let Some(rest) = rest else { return Ok(key_at(place, self.document)) };
        match &place.property.shape {
            Shape::Map(properties) => {
                let (segment, rest) = first(rest);
                let found = properties.iter().find(|property| property.name == segment);
                let property = found.ok_or_else(|| unknown(self.dotted, self.document))?;
                self.walk(&place.below(property, Step::from(property.name.as_str()), &property.name), rest)
            }
            Shape::Named(property) => self.named(place, property, rest),
            Shape::List(item, named_by) => self.item(place, item, named_by.as_deref(), rest),
            Shape::Value(_) | Shape::Unused => Err(unknown(self.dotted, self.document)),
        }
    }

    fn named(&self, place: &Place<'_>, property: &Property, rest: &str) -> Result<Key, Unfit> {
        let known: Vec<String> = match self.document.get(&place.path) {
            Some(Node::Map(entries)) => entries.iter().map(|(key, _)| key.clone()).collect(),
            _ => Vec::new(),
        };
        let step = |name: &str| place.below(property, Step::from(name), &name::segment(name));
        if let Some(found) = self.first_that_fits(&known, rest, |_, name, rest| self.walk(&step(name), rest)) {
            return found;
        }
        match &property.shape {
            Shape::Value(_) => {
                let name = match name::quoted(rest) {
                    Some((name, None)) => name,
                    Some(_) => return Err(unknown(self.dotted, self.document)),
                    None => rest.to_owned(),
                };
                self.walk(&step(&name), None)
            }
            // A line of a route that does not exist yet: what stands before its number and key is the glob.
            Shape::List(..) => {
                let (glob, rest) = name::quoted(rest).or_else(|| glob_of(rest)).ok_or_else(|| self.no_route(&known))?;
                if rest.is_none() {
                    return Err(self.no_route(&known));
                }
                self.walk(&step(&glob), rest.as_deref())
            }
            // What is known of models that no glob names yet: what stands before its last part is the glob.
            Shape::Map(properties) if place.path.len() > 1 => {
                let last = || rest.rsplit_once('.').map(|(glob, key)| (glob.to_owned(), Some(key.to_owned())));
                let named = name::quoted(rest).or_else(last).filter(|(glob, _)| !glob.is_empty());
                let (glob, key) = named.ok_or_else(|| self.no_key(rest, properties))?;
                match &key {
                    Some(key) if properties.iter().all(|property| property.name != *key) => {
                        Err(self.no_key(key, properties))
                    }
                    key => self.walk(&step(&glob), key.as_deref()),
                }
            }
            _ => Err(self.no_profile(rest, &known)),
        }
    }

    fn item(&self, place: &Place<'_>, item: &Property, named_by: Option<&str>, rest: &str) -> Result<Key, Unfit> {
        let items = match self.document.get(&place.path) {
            Some(Node::List(items)) => items.as_slice(),
            _ => &[],
        };
        let names: Vec<String> = items.iter().map(|item| item_name(item, named_by).unwrap_or_default()).collect();
        let step = |at: usize, name: &str| place.below(item, Step::Item(at), name);
        let by_name = |at: usize, name: &str, rest: Option<&str>| self.walk(&step(at, &name::segment(name)), rest);
        if let Some(found) = self.first_that_fits(&names, rest, by_name) {
            return found;
        }
        let (segment, rest) = first(rest);
        match segment.parse::<usize>() {
            Ok(at) if at < items.len() => self.walk(&step(at, &at.to_string()), rest),
            // A new candidate begins with whom it names.
            Ok(at) if named_by.is_none() && at == items.len() && rest.is_some_and(|key| NEW_LINE.contains(&key)) => {
                self.walk(&step(at, &at.to_string()), rest)
            }
            Ok(at) if named_by.is_none() => {
                let next = items.len();
                let hint = format!("set `{}.{next}.provider` first: it makes the next one", place.name);
                Err(Unfit { message: format!("`{}` has no candidate {at}", place.name), hint })
            }
            _ => Err(self.no_item(place, named_by, &segment, &names)),
        }
    }

    /// Tries the names with which `rest` begins, the longest first; where none leads anywhere, the longest says why.
    fn first_that_fits(
        &self,
        names: &[String],
        rest: &str,
        walk: impl Fn(usize, &str, Option<&str>) -> Result<Key, Unfit>,
    ) -> Option<Result<Key, Unfit>> {
        let quoted = name::quoted(rest);
        let fits = |name: &str| match &quoted {
            Some((quoted, after)) if quoted == name => Some(after.as_deref()),
            _ => match rest.strip_prefix(name) {
                Some("") => Some(None),
                Some(after) => after.strip_prefix('.').map(Some),
                None => None,
            },
        };
        let mut fitting: Vec<(usize, &String, Option<&str>)> = Vec::new();
        for (at, name) in names.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
            fitting.extend(fits(name).map(|rest| (at, name, rest)));
        }
        fitting.sort_by_key(|(_, name, _)| std::cmp::Reverse(name.len()));
        let mut failed = None;
        for (at, name, rest) in fitting {
            match walk(at, name, rest) {
                Ok(key) => return Some(Ok(key)),
                Err(unfit) => {
                    failed.get_or_insert(Err(unfit));
                }
            }
        }
        failed
    }

    /// A key that nothing has below a name which is not there yet.
    fn no_key(&self, segment: &str, properties: &[Property]) -> Unfit {
        let names: Vec<&str> = properties.iter().map(|property| property.name.as_str()).collect();
        let hint = match nearest(segment, names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are {}", names.join(", ")),
        };
        Unfit { message: format!("there is no key `{}`", shown(self.dotted)), hint }
    }

    fn no_profile(&self, rest: &str, known: &[String]) -> Unfit {
        let name = first(rest).0;
        let makes = format!("`qcc add {}` makes one", name::argument(&name));
        Unfit {
            message: format!("there is no profile `{}`", shown(&name)),
            hint: which(&name, known, "profile", &makes),
        }
    }

    fn no_item(&self, place: &Place<'_>, named_by: Option<&str>, segment: &str, names: &[String]) -> Unfit {
        let name = name::argument(segment);
        if named_by == Some("name") {
            let makes = format!("`qcc add {name} --base-url URL --api-key KEY` makes one");
            let message = format!("there is no provider `{}`", shown(segment));
            return Unfit { message, hint: which(segment, names, "provider", &makes) };
        }
        let profile = match place.path.get(1) {
            Some(Step::Key(profile)) => profile.as_str(),
            _ => "",
        };
        let makes = format!("`qcc endpoint add {} -f {name}` makes one", name::argument(profile));
        let message = format!("the profile `{profile}` has no endpoint `{}`", shown(segment));
        Unfit { message, hint: which(segment, names, "endpoint", &makes) }
    }

    fn no_route(&self, known: &[String]) -> Unfit {
        let hint = match known {
            [] => "there is no route yet: set `model_routes.GLOB.0.provider` to make one".to_owned(),
            known => format!("there are {}; set `model_routes.GLOB.0.provider` to make one", known.join(", ")),
        };
        Unfit { message: format!("there is no route `{}`", shown(self.dotted)), hint }
    }
}

/// Keys with which a candidate of a route may begin.
const NEW_LINE: &[&str] = &["provider", "profile"];

impl<'a> Place<'a> {
    fn below<'b>(&self, property: &'b Property, step: Step, segment: &str) -> Place<'b>
    where
        'a: 'b,
    {
        let mut path = self.path.clone();
        path.push(step);
        let name = if self.name.is_empty() { segment.to_owned() } else { format!("{}.{segment}", self.name) };
        // Keys of the Balancer that say nothing of themselves go where their parent goes.
        let inherits = !property.help.contains('`') && self.help.starts_with("Now ");
        Place { property, path, name, help: if inherits { self.help } else { &property.help } }
    }
}

fn key_at(place: &Place<'_>, document: &Document) -> Key {
    let takes = match &place.property.shape {
        Shape::Value(takes) => takes.clone(),
        Shape::Unused => Takes::Text,
        _ => Takes::Section,
    };
    let written = document.get(&place.path).and_then(Node::as_text).unwrap_or_default();
    let secret = redact::is_secret_place(&place.path) || redact::hides(&place.path, written);
    Key {
        name: place.name.clone(),
        path: place.path.clone(),
        default: default_at(place, document),
        takes,
        help: place.help.to_owned(),
        secret,
    }
}

/// Where a provider or a profile says nothing, what all of them have is in force.
fn default_at(place: &Place<'_>, document: &Document) -> Option<String> {
    let global = match place.path.as_slice() {
        [Step::Key(list), _, Step::Key(section), Step::Key(key)] if list == "providers" && section == "timeouts" => {
            Some([Step::from("timeouts"), Step::from(key.as_str())])
        }
        [Step::Key(map), _, Step::Key(key)] if map == "profiles" && key == "strategy" => {
            Some([Step::from("loadbalancer"), Step::from("strategy")])
        }
        _ => None,
    };
    let Some(global) = global else { return place.property.default.clone() };
    let written = document.get(&global).and_then(Node::as_text).map(str::to_owned);
    let keys = global.iter().map(|step| match step {
        Step::Key(key) => key.as_str(),
        Step::Item(_) => "",
    });
    written.or_else(|| default_of(keys))
}

fn default_of<'a>(keys: impl Iterator<Item = &'a str>) -> Option<String> {
    let mut property = root();
    for key in keys {
        let Shape::Map(properties) = &property.shape else { return None };
        property = properties.iter().find(|property| property.name == key)?;
    }
    property.default.clone()
}

/// Every key with a value, in the order of the schema, with what the document has of the user's own names.
pub(super) fn all(document: &Document) -> Vec<Key> {
    let start = Place { property: root(), path: Vec::new(), name: String::new(), help: "" };
    let mut keys = Vec::new();
    let Shape::Map(sections) = &root().shape else { return keys };
    let own = |section: &&Property| !matches!(section.shape, Shape::Map(_));
    for section in sections.iter().filter(|section| !own(section)).chain(sections.iter().filter(own)) {
        collect(&start.below(section, Step::from(section.name.as_str()), &section.name), document, &mut keys);
    }
    keys
}

fn collect(place: &Place<'_>, document: &Document, keys: &mut Vec<Key>) {
    let written = document.get(&place.path);
    // The keys of the Balancer are only of interest where there are any.
    let old = place.path.first() == Some(&Step::from("settings"));
    if old && written.is_none() {
        return;
    }
    match &place.property.shape {
        Shape::Value(_) => keys.push(key_at(place, document)),
        Shape::Unused => keys.extend(written.map(|_| key_at(place, document))),
        Shape::Map(properties) => {
            for property in properties {
                collect(&place.below(property, Step::from(property.name.as_str()), &property.name), document, keys);
            }
        }
        Shape::Named(property) => {
            let Some(Node::Map(entries)) = written else { return };
            for (name, _) in entries {
                collect(&place.below(property, Step::from(name.as_str()), &name::segment(name)), document, keys);
            }
        }
        Shape::List(item, named_by) => {
            let Some(Node::List(items)) = written else { return };
            let names: Vec<Option<String>> = items.iter().map(|item| item_name(item, named_by.as_deref())).collect();
            for (at, name) in names.iter().enumerate() {
                // Of two with one name the second has only its number.
                let first = name.is_some() && names.iter().position(|other| other == name) == Some(at);
                let name = name.as_ref().filter(|_| first).map_or_else(|| at.to_string(), |name| name::segment(name));
                collect(&place.below(item, Step::Item(at), &name), document, keys);
            }
        }
    }
}

fn item_name(item: &Node, named_by: Option<&str>) -> Option<String> {
    let Node::Map(entries) = item else { return None };
    let (_, name) = entries.iter().find(|(key, _)| Some(key.as_str()) == named_by)?;
    name.as_text().filter(|name| !name.is_empty()).map(str::to_owned)
}

/// `*opus*.0.provider` is the glob `*opus*` and the rest.
fn glob_of(rest: &str) -> Option<(String, Option<String>)> {
    let mut parts = rest.rsplitn(3, '.');
    let (key, number, glob) = (parts.next()?, parts.next()?, parts.next()?);
    let is_line = number.parse::<usize>().is_ok() && !glob.is_empty();
    is_line.then(|| (glob.to_owned(), Some(format!("{number}.{key}"))))
}

/// The first part of a name and what follows.
fn first(rest: &str) -> (String, Option<&str>) {
    if let Some((name, after)) = name::quoted(rest) {
        let after = after.map(|after| &rest[rest.len() - after.len()..]);
        return (name, after);
    }
    match rest.split_once('.') {
        Some((segment, rest)) => (segment.to_owned(), Some(rest)),
        None => (rest.to_owned(), None),
    }
}
