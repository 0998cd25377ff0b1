//! Several mappings of one stream: each has a position of its own, and none waits for another.

use super::world::{FROM_THE_OLDEST, Mapping, World, assert_numbers, stop, until_ended};
use pelton_tests::Signal;
use pelton_tests::journal::{Journal, data};

/// Some in each of two shards.
const KEYS: [&str; 4] = ["a", "b", "c", "d"];

#[tokio::test]
async fn each_mapping_of_a_stream_goes_on_from_its_own_position() {
    let world = World::with_shards(2).await;
    let mapping = |function, batch_size| Mapping { function, batch_size, ..FROM_THE_OLDEST };
    let mappings = [mapping("quick", 100), mapping("slow", 5), mapping("single", 1), mapping("failing", 10)];
    let site = world.site(&mappings);
    let journals = mappings.each_ref().map(|mapping| Journal::of(&site.path().join(mapping.function)));
    let [quick, slow, single, failing] = &journals;
    site.write("slow/behavior", "pause 150");
    site.write("failing/behavior", "error");
    world.put_numbers(&KEYS, 0..20).await;
    let mut running = world.start(&site).await;
    until_ended(&running, quick, 80).await;
    until_ended(&running, single, 80).await;
    until_ended(&running, slow, 10).await;
    stop(&mut running, Signal::TERM).await;
    assert!(!failing.began().is_empty(), "it was tried");
    assert_eq!(data(&failing.ended()), [""; 0], "the failure of one is no other's");

    site.write("slow/behavior", "succeed");
    site.write("failing/behavior", "succeed");
    world.put_numbers(&KEYS, 20..30).await;
    let mut running = world.start(&site).await;
    for journal in &journals {
        until_ended(&running, journal, 120).await;
    }
    stop(&mut running, Signal::INT).await;
    for journal in &journals {
        assert_numbers(&journal.ended(), &KEYS, 0..30);
    }
    for journal in [quick, slow, single] {
        assert_eq!(journal.began().len(), journal.ended().len(), "nothing came twice");
    }
    world.delete_stream().await;
}
