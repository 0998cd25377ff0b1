//! Medians and percentiles.

/// The value that `percent` of `values` do not exceed (nearest rank). Sorts them.
///
/// # Panics
/// If there are none.
pub fn percentile(values: &mut [f64], percent: f64) -> f64 {
    assert!(!values.is_empty(), "nothing was measured");
    values.sort_unstable_by(f64::total_cmp);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rank, from 0 to their number"
    )]
    let rank = (values.len() as f64 * percent / 100.0).ceil() as usize;
    values[rank.clamp(1, values.len()) - 1]
}

/// The middle one, or the mean of the two in the middle. Sorts them.
///
/// # Panics
/// If there are none.
pub fn median(values: &mut [f64]) -> f64 {
    assert!(!values.is_empty(), "nothing was measured");
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { f64::midpoint(values[middle - 1], values[middle]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_value_that_was_measured() {
        let mut values: Vec<f64> = (1..=200).rev().map(f64::from).collect();
        let picked = [50.0, 99.0, 100.0, 0.0].map(|percent| percentile(&mut values, percent));
        assert_eq!(picked, [100.0, 198.0, 200.0, 1.0]);
    }

    #[test]
    fn a_median_is_in_the_middle() {
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&mut [4.0, 1.0, 2.0, 3.0]), 2.5);
    }
}
