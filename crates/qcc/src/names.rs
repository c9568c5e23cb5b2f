//! What a name on the command line means: the name itself, or the beginning of exactly one.

use qcc_config::nearest;

use crate::failure::Failure;
use crate::output::harmless;

/// The one of `names` that was typed: exactly, or as an unambiguous beginning; case counts only where it has to. `what`
/// is the kind of thing, `all` the command that lists them.
///
/// # Errors
/// When nothing, or more than one thing, is meant.
pub(crate) fn resolve<'a>(what: &str, typed: &str, names: &[&'a str], all: &str) -> Result<&'a str, Failure> {
    if let Some(name) = names.iter().find(|name| **name == typed) {
        return Ok(name);
    }
    let lower = typed.to_lowercase();
    let begins = |name: &&&str| !typed.is_empty() && name.to_lowercase().starts_with(&lower);
    let meant: Vec<&str> = match names.iter().filter(|name| name.starts_with(typed) && !typed.is_empty()).copied() {
        exact if exact.clone().next().is_some() => exact.collect(),
        _ => names.iter().filter(begins).copied().collect(),
    };
    match meant.as_slice() {
        [one] => Ok(one),
        [] => Err(unknown(what, typed, names, all)),
        several => {
            let message = format!("`{}` may be any of {}", harmless(typed), listed(several));
            Err(Failure::new(message, format!("type more of the name of the {what}")))
        }
    }
}

fn unknown(what: &str, typed: &str, names: &[&str], all: &str) -> Failure {
    let message = format!("there is no {what} `{}`", harmless(typed));
    match nearest(typed, names.iter().copied()) {
        Some(name) => Failure::new(message, format!("did you mean `{}`? `{all}` shows all", harmless(name))),
        None if names.is_empty() => Failure::new(message, format!("there is none yet; `{all}` shows what there is")),
        None => Failure::new(message, there(names)),
    }
}

/// Every name that exists, in a sentence.
pub(crate) fn there(names: &[&str]) -> String {
    format!("there {} {}", if names.len() == 1 { "is only" } else { "are" }, listed(names))
}

/// `a`, `b` and `c`
pub(crate) fn listed(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{}`", harmless(name))).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 4] = ["work", "Work-2", "personal", "perhaps"];

    fn meant(typed: &str) -> Result<&str, String> {
        resolve("provider", typed, &NAMES, "qcc list").map_err(|failure| failure.to_string())
    }

    #[test]
    fn a_whole_name_wins_over_longer_ones() {
        assert_eq!(meant("work"), Ok("work"));
    }

    #[test]
    fn the_beginning_of_one_name_is_enough() {
        assert_eq!(meant("pers"), Ok("personal"));
        assert_eq!(meant("W"), Ok("Work-2"));
        assert_eq!(meant("PERH"), Ok("perhaps"));
    }

    #[test]
    fn the_beginning_of_several_is_refused_with_all_of_them() {
        let failure =
            "error: `per` may be any of `personal` and `perhaps`\nhint: type more of the name of the provider";
        assert_eq!(meant("per"), Err(failure.to_owned()));
        assert!(meant("").is_err());
    }

    #[test]
    fn a_slip_is_answered_with_the_nearest_name() {
        let failure = "error: there is no provider `worc`\nhint: did you mean `work`? `qcc list` shows all";
        assert_eq!(meant("worc"), Err(failure.to_owned()));
    }
}
