//! `qcc presets`: the vendors whose address and form are known.

use serde_json::json;

use crate::context::{Context, variable};
use crate::failure::{OK, Outcome};
use crate::presets;
use crate::table::{Cell, Table};

pub(crate) fn run(context: &Context) -> Outcome {
    let output = context.output;
    let is_set = |name: &str| variable(name).is_some_and(|value| !value.is_empty());
    if output.json {
        let document = json!({ "presets": presets::all() });
        output.document(&document)?;
        return Ok(OK);
    }
    let mut table = Table::new(&["PRESET", "VENDOR", "BASE URL", "KEY VARIABLE"]).shrink(1).shrink(2);
    for preset in presets::all() {
        let set = if is_set(&preset.variable) { " (set)" } else { "" };
        table.row(vec![
            Cell::new(&preset.name),
            Cell::new(&preset.title),
            Cell::new(&preset.base_url),
            Cell::new(format_args!("{}{set}", preset.variable)),
        ]);
    }
    output.table(&table)?;
    output.talk("next: `qcc add NAME --preset PRESET`");
    Ok(OK)
}
