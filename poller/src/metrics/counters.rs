//! What is counted, for each shard and for each mapping alike. The words in brackets are AWS's name (specification 10).

use super::family::{Labels, Sample};
use pelton_core::Counts;

/// A number of things that happened.
pub(super) struct Counter {
    /// What follows `pelton_shard_` or `pelton_mapping_`.
    pub(super) name: &'static str,
    /// What it means.
    pub(super) help: &'static str,
    counts: &'static [Count],
}

/// One value of it, and the reason that sets it apart where there are several.
struct Count {
    reason: Option<&'static str>,
    of: fn(&Counts) -> u64,
}

const fn count(of: fn(&Counts) -> u64) -> Count {
    Count { reason: None, of }
}

const fn because(reason: &'static str, of: fn(&Counts) -> u64) -> Count {
    Count { reason: Some(reason), of }
}

const fn counter(name: &'static str, help: &'static str, counts: &'static [Count]) -> Counter {
    Counter { name, help, counts }
}

pub(super) const COUNTERS: [Counter; 19] = [
    counter(
        "polled_records_total",
        "Records read from the stream (PolledEventCount).",
        &[count(|counts| counts.polled)],
    ),
    counter(
        "invoked_records_total",
        "Records sent to the function, again on each retry (InvokedEventCount).",
        &[count(|counts| counts.invoked)],
    ),
    counter(
        "failed_records_total",
        "Records in invocations that the function failed, or that its answer reports as failed (FailedInvokeEventCount).",
        &[count(|counts| counts.failed)],
    ),
    counter(
        "settled_records_total",
        "Records that are settled: they succeeded, were filtered out, or were discarded.",
        &[count(Counts::settled)],
    ),
    counter(
        "filtered_records_total",
        "Records that match no filter: they are not sent to the function (FilteredOutEventCount).",
        &[count(|counts| counts.filtered)],
    ),
    counter(
        "not_json_records_total",
        "Records that match no filter because their payload is not a JSON object, which a filter needs; \
         filtered_records_total counts them, too.",
        &[count(|counts| counts.not_json)],
    ),
    counter(
        "discarded_records_total",
        "Records given up without success, whether an on-failure destination accepted them or not.",
        &[
            because("expired", |counts| counts.expired),
            because("too_old", |counts| counts.too_old),
            because("retries_exhausted", |counts| counts.retries_exhausted),
            because("too_large", |counts| counts.too_large),
        ],
    ),
    counter(
        "destination_records_total",
        "Records given up that the on-failure destination accepted (OnFailureDestinationDeliveredEventCount).",
        &[count(|counts| counts.delivered)],
    ),
    counter(
        "dropped_records_total",
        "Records given up that no on-failure destination accepted (DroppedEventCount, which on AWS leaves out those that expired).",
        &[count(|counts| counts.dropped)],
    ),
    counter(
        "destination_failures_total",
        "Deliveries to the on-failure destination that were given up (DestinationDeliveryFailures).",
        &[count(|counts| counts.delivery_failures)],
    ),
    counter(
        "invocations_total",
        "Invocations started, retries included (Invocations).",
        &[count(|counts| counts.invocations)],
    ),
    counter(
        "retried_invocations_total",
        "Invocations with a batch that the function had failed before.",
        &[count(|counts| counts.retries)],
    ),
    counter(
        "failed_invocations_total",
        "Invocations that the function failed (Errors).",
        &[count(|counts| counts.function_errors)],
    ),
    counter(
        "partially_failed_invocations_total",
        "Invocations whose answer names records that failed, or counts as a failure (ReportBatchItemFailures).",
        &[count(|counts| counts.partial_failures)],
    ),
    counter(
        "ignored_responses_total",
        "Invocations that count as a success though their answer reports failures (reason not_asked_for: the mapping has no \
         ReportBatchItemFailures) or has content without batchItemFailures (reason not_reported: the mapping has it).",
        &[
            because("not_asked_for", |counts| counts.ignored_failures),
            because("not_reported", |counts| counts.ignored_content),
        ],
    ),
    counter(
        "throttled_invocations_total",
        "Invocations that did not reach the function for lack of concurrency (Throttles).",
        &[count(|counts| counts.throttles)],
    ),
    counter(
        "unreached_invocations_total",
        "Invocations that did not reach the function for another reason.",
        &[count(|counts| counts.not_invoked)],
    ),
    counter(
        "read_errors_total",
        "Reads of the stream that failed (PollingErrorCount, which AWS has for Kafka only).",
        &[count(|counts| counts.fetch_errors)],
    ),
    counter(
        "checkpoint_errors_total",
        "Checkpoints that could not be stored.",
        &[count(|counts| counts.save_errors)],
    ),
];

impl Counter {
    /// Its samples for what carries these labels.
    pub(super) fn samples<'a>(
        &'a self,
        labels: &'a Labels<'a>,
        counts: &'a Counts,
    ) -> impl Iterator<Item = Sample> + 'a {
        self.counts.iter().map(move |Count { reason, of }| match reason {
            None => Sample::count(labels, of(counts)),
            Some(reason) => Sample::count(&[labels, &[("reason", reason)]].concat(), of(counts)),
        })
    }
}
