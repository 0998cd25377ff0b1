//! What happened in a shard, counted: the one list of what is counted.
//!
//! In: what happened. Out: sums, by the names under which they are shown as JSON.

use serde::{Deserialize, Serialize};
use std::ops::AddAssign;

/// Makes [`Counts`] of the names of its counters, and everything that has to know all of them.
macro_rules! counts {
    ($($(#[$says:meta])* $name:ident,)*) => {
        /// What happened in a shard since it began. Records unless the name says otherwise.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct Counts {
            $($(#[$says])* pub $name: u64,)*
        }

        impl Counts {
            /// Each counter and its name, in the order of the table.
            pub fn named(&self) -> impl Iterator<Item = (&'static str, u64)> + use<> {
                [$((stringify!($name), self.$name)),*].into_iter()
            }
        }

        impl AddAssign for Counts {
            fn add_assign(&mut self, other: Self) {
                $(self.$name += other.$name;)*
            }
        }
    };
}

counts! {
    /// Read from the stream (PolledEventCount).
    polled,
    /// Handed to the function, again on each retry (InvokedEventCount).
    invoked,
    /// In failed invocations (FailedInvokeEventCount).
    failed,
    /// Settled by success.
    succeeded,
    /// How often a position to go on from was no longer kept: each time, records were lost to the stream's retention.
    positions_trimmed,
    /// Given up because the stream no longer keeps them.
    expired,
    /// Given up because they are older than MaximumRecordAgeInSeconds.
    too_old,
    /// Given up because MaximumRetryAttempts are used up.
    retries_exhausted,
    /// Given up because their event is too large.
    too_large,
    /// Settled without being delivered, as they match no filter (FilteredOutEventCount).
    filtered,
    /// Those of them whose payload is not the JSON object that a filter needs.
    not_json,
    /// Given up, and neither handed over (DroppedEventCount).
    dropped,
    /// Given up, and handed over to the on-failure destination (OnFailureDestinationDeliveredEventCount).
    delivered,
    /// Deliveries that were given up (DestinationDeliveryFailures).
    delivery_failures,
    /// Invocations whose response named records that failed, or counted as a failure.
    partial_failures,
    /// Invocations whose response reported failures to a mapping without ReportBatchItemFailures.
    ignored_failures,
    /// Invocations whose response had content but no `batchItemFailures`, with ReportBatchItemFailures.
    ignored_content,
    /// Invocations started.
    invocations,
    /// Those of them whose batch the function had failed before.
    retries,
    /// Invocations in which the function failed.
    function_errors,
    /// Invocations that did not reach the function for lack of concurrency.
    throttles,
    /// Invocations that did not reach the function for another reason.
    not_invoked,
    /// Reads that failed.
    fetch_errors,
    /// Saves that failed.
    save_errors,
}

impl Counts {
    /// Records settled: succeeded, filtered out or given up.
    #[must_use]
    pub fn settled(&self) -> u64 {
        self.succeeded + self.filtered + self.given_up()
    }

    /// Records given up.
    #[must_use]
    pub fn given_up(&self) -> u64 {
        self.expired + self.too_old + self.retries_exhausted + self.too_large
    }

    /// Failures of any kind: of the function, of reading, of keeping checkpoints, of handing over what was given up.
    #[must_use]
    pub fn errors(&self) -> u64 {
        self.function_errors
            + self.partial_failures
            + self.not_invoked
            + self.fetch_errors
            + self.save_errors
            + self.delivery_failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_add_up_each_to_its_own() {
        // Each another number, and none that is the same added and multiplied.
        let counts = |times: u64| {
            let numbers =
                Counts::default().named().zip(3..).map(|((name, _), number)| (name, number * times));
            let numbers: serde_json::Map<String, serde_json::Value> =
                numbers.map(|(name, number)| (name.to_owned(), number.into())).collect();
            serde_json::from_value::<Counts>(numbers.into()).unwrap()
        };
        let mut sum = counts(1);
        sum += counts(10);
        assert_eq!(sum, counts(11));
    }

    #[test]
    fn a_record_is_settled_if_it_succeeded_was_filtered_out_or_was_given_up() {
        let counts = Counts {
            succeeded: 1,
            filtered: 20,
            expired: 300,
            too_old: 4_000,
            retries_exhausted: 50_000,
            too_large: 600_000,
            ..Counts::default()
        };
        assert_eq!((counts.given_up(), counts.settled()), (654_300, 654_321));
        assert_eq!(counts.errors(), 0);
    }
}
