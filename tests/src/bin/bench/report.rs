//! What is said: progress, tables and JSON lines, each to where it belongs.

use serde_json::Value;

/// Says what was measured.
pub(crate) struct Report {
    is_json: bool,
}

/// A figure beside its goal.
pub(crate) struct Goal {
    pub(crate) what: String,
    pub(crate) measured: String,
    pub(crate) goal: String,
    pub(crate) is_met: bool,
}

impl Goal {
    pub(crate) fn at_least(what: impl Into<String>, measured: f64, goal: f64, unit: &str) -> Self {
        Self::new(what.into(), (measured, goal), "≥", unit, measured >= goal)
    }

    pub(crate) fn at_most(what: impl Into<String>, measured: f64, goal: f64, unit: &str) -> Self {
        Self::new(what.into(), (measured, goal), "≤", unit, measured <= goal)
    }

    fn new(what: String, (measured, goal): (f64, f64), sign: &str, unit: &str, is_met: bool) -> Self {
        Self { what, measured: format!("{measured:.2}{unit}"), goal: format!("{sign} {goal}{unit}"), is_met }
    }
}

impl Report {
    pub(crate) fn new(is_json: bool) -> Self {
        Self { is_json }
    }

    /// What is going on.
    pub(crate) fn progress(&self, text: &str) {
        eprintln!("{text}");
    }

    /// What was measured, for programs.
    pub(crate) fn result(&self, result: &Value) {
        if self.is_json {
            println!("{result}");
        }
    }

    /// What was measured, for people.
    pub(crate) fn table(&self, header: &[&str], rows: &[Vec<String>]) {
        let widths: Vec<usize> = (0..header.len())
            .map(|column| {
                let cells = rows.iter().map(|row| row[column].chars().count());
                cells.chain([header[column].chars().count()]).max().unwrap_or_default()
            })
            .collect();
        let line = |cells: &mut dyn Iterator<Item = &str>| {
            let padded = cells.zip(&widths).map(|(cell, width)| format!("{cell:>width$}"));
            self.say(&padded.collect::<Vec<_>>().join("  "));
        };
        self.say("");
        line(&mut header.iter().copied());
        for row in rows {
            line(&mut row.iter().map(String::as_str));
        }
    }

    /// How the figures stand beside the goals, for people.
    pub(crate) fn goals(&self, goals: &[Goal]) {
        let rows: Vec<Vec<String>> = goals
            .iter()
            .map(|goal| {
                let verdict = if goal.is_met { "met" } else { "MISSED" };
                vec![goal.what.clone(), goal.measured.clone(), goal.goal.clone(), verdict.to_owned()]
            })
            .collect();
        self.table(&["goal", "measured", "wanted", ""], &rows);
    }

    fn say(&self, line: &str) {
        if self.is_json { eprintln!("{line}") } else { println!("{line}") }
    }
}
