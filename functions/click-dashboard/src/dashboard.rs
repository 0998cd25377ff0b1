//! What a page shows: the last seconds with clicks, as JSON.
//!
//! In: the counts. Out: a file that is whole at any moment:
//!
//! ```json
//! {"pages":{"/shoes":3},
//!  "seconds":[{"second":"2026-01-09T07:04:00Z","clicks":{"/shoes":2}},{"second":"2026-01-09T07:04:01Z","clicks":{"/shoes":1}}]}
//! ```
//!
//! `seconds` are the last 60 that have clicks, in order, each with its clicks per page; `pages` are their sums.

use rusqlite::Connection;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// How many seconds are shown: a minute, if somebody clicks in each of them.
const SECONDS_MAX: i64 = 60;

/// The file, which need not exist.
pub(crate) struct Dashboard(PathBuf);

/// The dashboard cannot be written. A retry may help.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unwritten {
    #[error("the clicks cannot be read")]
    Clicks(#[source] rusqlite::Error),
    #[error("the dashboard {} cannot be written: its folder must exist and be writable", path.display())]
    File { path: PathBuf, source: std::io::Error },
}

/// What stands in the file.
#[derive(Debug, Default, Serialize)]
struct Shown {
    pages: BTreeMap<String, i64>,
    seconds: Vec<Second>,
}

#[derive(Debug, Serialize)]
struct Second {
    second: String,
    clicks: BTreeMap<String, i64>,
}

impl Dashboard {
    /// The file that the environment variable names, or the default.
    pub(crate) fn from_environment(variable: &str, default: &str) -> Self {
        let path = std::env::var_os(variable).filter(|value| !value.is_empty());
        Self::at(Path::new(&path.unwrap_or_else(|| default.into())))
    }

    /// This file.
    pub(crate) fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// Replaces the file by what the counts come to now. Whoever reads it meanwhile sees the old one.
    pub(crate) fn write(&self, counts: &Connection) -> Result<(), Unwritten> {
        let shown = shown(counts).map_err(Unwritten::Clicks)?;
        let json = serde_json::to_string(&shown).expect("maps of texts are JSON");
        let new = self.0.with_added_extension("new");
        let replaced = fs::write(&new, json).and_then(|()| fs::rename(&new, &self.0));
        replaced.map_err(|source| Unwritten::File { path: self.0.clone(), source })
    }
}

fn shown(counts: &Connection) -> rusqlite::Result<Shown> {
    // Seconds with clicks, and not those since a moment: one click from the future must not hide all others.
    let mut query = counts.prepare_cached(
        "SELECT strftime('%Y-%m-%dT%H:%M:%SZ', second, 'unixepoch'), page, clicks FROM clicks
         WHERE second >= (SELECT min(second) FROM (SELECT DISTINCT second FROM clicks ORDER BY second DESC LIMIT ?))
         ORDER BY second, page",
    )?;
    let mut rows = query.query([SECONDS_MAX])?;
    let mut shown = Shown::default();
    while let Some(row) = rows.next()? {
        let (second, page, clicks): (String, String, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        *shown.pages.entry(page.clone()).or_default() += clicks;
        match shown.seconds.last_mut() {
            Some(last) if last.second == second => _ = last.clicks.insert(page, clicks),
            _ => shown.seconds.push(Second { second, clicks: BTreeMap::from([(page, clicks)]) }),
        }
    }
    Ok(shown)
}
