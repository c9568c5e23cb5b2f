//! Where Claude Code's settings are: `settings.json` in `CLAUDE_CONFIG_DIR`, else in `~/.claude`. People keep them in a
//! repository behind a symbolic link, which has to stay one, also when the file or its folder does not exist yet.

use std::io;
use std::path::{Component, Path, PathBuf};

use crate::context::variable;
use crate::failure::Failure;

/// As many links as the kernel follows (`MAXSYMLINKS`).
const LINKS: usize = 40;

/// The settings file of this user, as an absolute path with its links.
///
/// # Errors
/// When there is no home to look in.
pub(crate) fn asked() -> Result<PathBuf, Failure> {
    let folder = match variable("CLAUDE_CONFIG_DIR").filter(|folder| !folder.is_empty()) {
        Some(folder) => PathBuf::from(folder),
        None => etcetera::home_dir()
            .map_err(|_| Failure::new("this user has no home folder", "set HOME, or CLAUDE_CONFIG_DIR"))?
            .join(".claude"),
    };
    let path = folder.join("settings.json");
    std::path::absolute(&path).map_err(|error| Failure::file("find", &path, &error))
}

/// The file itself: every link on the way followed, whether or not it exists.
///
/// # Errors
/// When links lead in a circle, or a folder may not be looked into.
pub(crate) fn real(asked: &Path) -> io::Result<PathBuf> {
    let mut path = asked.to_owned();
    for _ in 0..LINKS {
        match path.canonicalize() {
            Ok(real) => return Ok(real),
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Err(_) => {}
        }
        let folder = path.parent().map_or_else(|| Ok(PathBuf::from("/")), existing)?;
        let file = folder.join(path.file_name().unwrap_or_default());
        match file.read_link() {
            Ok(target) => path = folder.join(target),
            Err(_) => return Ok(file),
        }
    }
    Err(io::Error::other("too many symbolic links"))
}

/// A folder whose existing part is real.
fn existing(folder: &Path) -> io::Result<PathBuf> {
    for above in folder.ancestors() {
        match above.canonicalize() {
            Ok(real) => {
                let rest = folder.strip_prefix(above).unwrap_or_else(|_| Path::new(""));
                return Ok(rest.components().fold(real, |path, part| match part {
                    Component::Normal(name) => path.join(name),
                    _ => path,
                }));
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Err(_) => {}
        }
    }
    Ok(folder.to_owned())
}

/// The folders above `file` that do not exist, outermost first.
pub(crate) fn missing_folders(file: &Path) -> Vec<PathBuf> {
    let mut missing: Vec<PathBuf> =
        file.ancestors().skip(1).take_while(|folder| !folder.exists()).map(Path::to_owned).collect();
    missing.reverse();
    missing
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_are_followed_also_to_a_file_that_does_not_exist_yet() {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().canonicalize().unwrap();
        std::fs::create_dir(root.join("dotfiles")).unwrap();
        symlink("dotfiles", root.join("config")).unwrap();
        symlink("../config/claude.json", root.join("dotfiles/settings.json")).unwrap();
        assert_eq!(real(&root.join("config/settings.json")).unwrap(), root.join("dotfiles/claude.json"));
        assert_eq!(real(&root.join("config/new/settings.json")).unwrap(), root.join("dotfiles/new/settings.json"));
    }

    #[test]
    fn links_in_a_circle_are_an_error() {
        let home = tempfile::tempdir().unwrap();
        symlink("b", home.path().join("a")).unwrap();
        symlink("a", home.path().join("b")).unwrap();
        assert!(real(&home.path().join("a")).is_err());
    }

    #[test]
    fn only_folders_that_do_not_exist_are_missing() {
        let home = tempfile::tempdir().unwrap();
        let folders = ["a", "a/b"].map(|name| home.path().join(name));
        assert_eq!(missing_folders(&home.path().join("a/b/settings.json")), folders);
        assert!(missing_folders(&home.path().join("settings.json")).is_empty());
    }
}
