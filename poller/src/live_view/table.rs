//! Mappings and shards as lines of text: a heading for each mapping, a row for each shard.
//!
//! In: a snapshot, how fast each shard goes, and how many lines there may be. Out: the lines. What does not fit is
//! summed up, never dropped.

use super::rates::Rates;
use super::row::{Align, COLUMNS, Column, RATE_COLUMN, Row, interest, state_name};
use crate::control::StatusSnapshot;
use crate::control::snapshot::{MappingState, MappingStatus, ShardStatus};
use crate::logging::{Palette, Style};
use indicatif::HumanCount;
use pelton_core::{Counts, Timestamp};
use pelton_model::StreamArn;
use std::collections::BTreeMap;

/// A mapping takes a heading and at least one more line.
const MAPPING_LINES_MIN: usize = 2;

const INDENT: &str = "  ";

/// One line, and how it looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) style: Style,
    pub(crate) text: String,
}

impl Line {
    fn new(style: Style, text: impl Into<String>) -> Self {
        Self { style, text: text.into() }
    }

    /// The line in its style, cut to at most `columns` characters.
    pub(crate) fn painted(&self, palette: Palette, columns: usize) -> String {
        let cut = match self.text.char_indices().nth(columns) {
            Some((end, _)) => &self.text[..end],
            None => &self.text,
        };
        palette.paint(self.style, cut)
    }
}

/// The snapshot in at most `lines_max` lines, or the few that the least takes.
pub(crate) fn render(snapshot: &StatusSnapshot, rates: Option<&Rates>, lines_max: usize) -> Vec<Line> {
    let mappings = &snapshot.mappings;
    if mappings.is_empty() {
        return vec![Line::new(Style::Plain, "no event source mappings")];
    }
    // One line each for the names of the columns and for mappings that do not fit.
    let mappings_max = (lines_max.saturating_sub(2) / MAPPING_LINES_MIN).max(1);
    let shown = &mappings[..mappings.len().min(mappings_max)];
    let mut lines_left = lines_max.saturating_sub(2);
    let mut blocks = Vec::new();
    for (index, mapping) in shown.iter().enumerate() {
        let share = (lines_left / (shown.len() - index)).max(MAPPING_LINES_MIN);
        let block = Block::new(mapping, rates, share - 1, snapshot.taken_at);
        lines_left = lines_left.saturating_sub(block.lines_len());
        blocks.push(block);
    }
    let mut lines = lay_out(&blocks, rates.is_some());
    if shown.len() < mappings.len() {
        lines.push(Line::new(Style::Dim, format!("… and {} more mappings", mappings.len() - shown.len())));
    }
    lines
}

/// What is shown of one mapping.
struct Block {
    heading: Line,
    settings: Option<Line>,
    rows: Vec<Row>,
    rest: Option<Line>,
}

impl Block {
    fn new(mapping: &MappingStatus, rates: Option<&Rates>, rows_max: usize, now: Timestamp) -> Self {
        let rate = |shard: &ShardStatus| rates.map(|rates| rates.of(&mapping.id, shard));
        let mut shards: Vec<&ShardStatus> = mapping.shards.iter().collect();
        let shards_len = shards.len();
        let all_fit = shards_len <= rows_max;
        if !all_fit {
            shards.sort_by_key(|shard| interest(shard, now));
        }
        // What a shard fails with takes the place of a shard only where not all of them fit: those in trouble come first there.
        let mut lines_left = if all_fit { rows_max } else { rows_max - 1 };
        let mut rows = Vec::new();
        for (index, shard) in shards.iter().enumerate() {
            let rows_to_come = if all_fit { shards_len - index - 1 } else { 0 };
            if lines_left == 0 {
                break;
            }
            let mut row = Row::new(shard, rate(shard), now);
            lines_left -= 1;
            match row.below {
                Some(_) if lines_left > rows_to_come => lines_left -= 1,
                Some(_) | None => row.below = None,
            }
            rows.push(row);
        }
        let hidden = &shards[rows.len()..];
        Self {
            heading: heading(mapping),
            // Only where it takes the place of nothing else.
            settings: settings(mapping).filter(|_| all_fit && lines_left > 0),
            rest: (!hidden.is_empty()).then(|| rest(hidden, hidden.iter().copied().map(rate).sum(), now)),
            rows,
        }
    }

    fn lines_len(&self) -> usize {
        let rows: usize = self.rows.iter().map(|row| 1 + usize::from(row.below.is_some())).sum();
        1 + usize::from(self.settings.is_some()) + rows + usize::from(self.rest.is_some())
    }
}

/// What a mapping does, for people.
pub(super) fn state_text(state: &MappingState) -> (Style, String) {
    match state {
        MappingState::Polling => (Style::Bold, "polling".to_owned()),
        MappingState::CaughtUp => (Style::Dim, "caught up".to_owned()),
        MappingState::Waiting { reason } => (Style::Yellow, format!("waiting: {reason}")),
        MappingState::Stopped { reason } => (Style::Red, format!("stopped: {reason}")),
        MappingState::Disabled => (Style::Dim, "disabled".to_owned()),
    }
}

fn heading(mapping: &MappingStatus) -> Line {
    let stream = mapping.stream.parse().map_or_else(|_| mapping.stream.clone(), |arn: StreamArn| arn.name);
    let (style, state) = state_text(&mapping.state);
    let MappingStatus { id, function, starting_position, positions_trimmed, totals, .. } = mapping;
    let settled = match mapping.state {
        MappingState::Disabled => String::new(),
        MappingState::Polling
        | MappingState::CaughtUp
        | MappingState::Waiting { .. }
        | MappingState::Stopped { .. } => {
            format!("  {} settled{}", HumanCount(totals.settled()), without_success(totals))
        }
    };
    let lost = match positions_trimmed {
        0 => String::new(),
        count => format!("  RECORDS LOST TO RETENTION, {count}×"),
    };
    Line::new(style, format!("{id}  {stream} → {function}  from {starting_position}{settled}  {state}{lost}"))
}

/// `, of which 12 filtered out, 3 given up, 1 dropped`; nothing if all succeeded.
fn without_success(totals: &Counts) -> String {
    let counts = [
        (totals.filtered, "filtered out"),
        (totals.given_up(), "given up"),
        (totals.delivered, "of these handed over"),
        (totals.dropped, "DROPPED"),
    ];
    let told: Vec<String> = counts
        .into_iter()
        .filter(|&(count, _)| count > 0)
        .map(|(count, what)| format!("{} {what}", HumanCount(count)))
        .collect();
    if told.is_empty() { String::new() } else { format!(" ({})", told.join(", ")) }
}

/// What the mapping sets beside what every mapping has; nothing if all of it is the default.
fn settings(mapping: &MappingStatus) -> Option<Line> {
    let mut settings = mapping.settings.clone();
    if let Some(failed_records_to) = &mapping.failed_records_to {
        settings.destination_config.on_failure.destination = Some(failed_records_to.clone());
    }
    let changes = settings.changes();
    let told: Vec<String> = changes.iter().map(|(name, value)| format!("{name} {value}")).collect();
    let text = told.join(", ").replace(char::is_control, " ");
    (!changes.is_empty()).then(|| Line::new(Style::Dim, format!("{INDENT}{text}")))
}

/// `… 12 more shards: 10 polling, 2 retrying, 812 records/s`
fn rest(shards: &[&ShardStatus], rate: Option<f64>, now: Timestamp) -> Line {
    let mut phases: BTreeMap<&str, usize> = BTreeMap::new();
    for shard in shards {
        *phases.entry(state_name(shard, now)).or_default() += 1;
    }
    let phases: Vec<String> = phases.iter().map(|(name, count)| format!("{count} {name}")).collect();
    let plural = if shards.len() == 1 { "" } else { "s" };
    let rate = rate.map(|rate| format!(", {rate:.0} records/s")).unwrap_or_default();
    let text = format!("{INDENT}… {} more shard{plural}: {}{rate}", shards.len(), phases.join(", "));
    Line::new(Style::Dim, text)
}

fn lay_out(blocks: &[Block], with_rates: bool) -> Vec<Line> {
    let widths: [usize; COLUMNS.len()] = std::array::from_fn(|column| {
        let cells = blocks.iter().flat_map(|block| &block.rows).map(|row| row.cells[column].chars().count());
        cells.fold(COLUMNS[column].width_min, usize::max)
    });
    let line = |cells: &[String; COLUMNS.len()]| {
        let mut text = INDENT.to_owned();
        for (column, (Column { align, .. }, width)) in COLUMNS.iter().zip(widths).enumerate() {
            if column == RATE_COLUMN && !with_rates {
                continue;
            }
            text += &match align {
                Align::Left => format!("{:<width$}  ", cells[column]),
                Align::Right => format!("{:>width$} ", cells[column]),
            };
        }
        text.trim_end().to_owned()
    };
    let mut lines = Vec::new();
    if blocks.iter().any(|block| !block.rows.is_empty()) {
        lines.push(Line::new(Style::Dim, line(&COLUMNS.map(|column| column.name.to_owned()))));
    }
    for Block { heading, settings, rows, rest } in blocks {
        lines.push(heading.clone());
        lines.extend(settings.clone());
        for row in rows {
            lines.push(Line::new(row.style, line(&row.cells)));
            lines.extend(
                row.below.as_ref().map(|text| Line::new(row.style, format!("{INDENT}{INDENT}{text}"))),
            );
        }
        lines.extend(rest.clone());
    }
    lines
}
