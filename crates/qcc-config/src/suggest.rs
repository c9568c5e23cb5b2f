//! "Did you mean": the known name that is nearest to what was written.

use crate::value::Wrong;

/// The nearest of `known` to `written`, when it is near enough to be meant: up to one slip in three letters. Letters in
/// the wrong order count as one slip; case does not count.
pub fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let written: Vec<char> = written.to_lowercase().chars().take(64).collect();
    let limit = (written.len() / 3).max(1);
    known
        .into_iter()
        .map(|name| (distance(&written, &name.to_lowercase().chars().collect::<Vec<_>>()), name))
        .filter(|(slips, name)| *slips <= limit && *slips < name.len())
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, name)| name)
}

/// Optimal string alignment distance: insertions, deletions, replacements and swaps of neighbours.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    for (j, cell) in rows[0].iter_mut().enumerate() {
        *cell = j;
    }
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[a.len()][b.len()]
}

/// The fault of a word that is none of a fixed set.
pub(crate) fn not_among(text: &str, words: &[&str]) -> Wrong {
    let all = words.join(", ");
    let hint = match nearest(text, words.iter().copied()) {
        Some(word) => format!("did you mean `{word}`? possible are {all}"),
        None => format!("possible are {all}"),
    };
    Wrong::new(format!("`{text}` is not possible here"), hint)
}
