//! All of it together, by chance.

use super::world::World;
use pelton::clock::Clock;
use pelton_tests::chance;
use pelton_tests::fault_proxy::Weather;
use std::time::Duration;

/// Of a hundred calls, so many meet with a fault.
const PERCENT: u8 = 25;

/// Of a hundred calls, so many are answered with a lie.
const LIES_PERCENT: u8 = 15;

/// How many times records are put while the storm lasts.
const PUTS: usize = 25;

#[tokio::test]
async fn a_storm_of_all_faults_loses_nothing_repeats_nothing_and_keeps_the_order() {
    let seed = chance::seed();
    let mut world = World::new().await;
    world.proxy.change(
        Weather::calm()
            .storm(seed, PERCENT)
            .lies(seed, LIES_PERCENT)
            .reads_per_second(5)
            .iterators_expire_after(Duration::from_secs(1)),
    );
    let clock = Clock::start();
    for _ in 0..PUTS {
        world.put(5).await;
        clock.sleep(Duration::from_millis(200)).await;
    }
    world.proxy.change(Weather::calm());
    world.until_all_is_done().await;
    let (calls, faults) = world.proxy.counts();
    eprintln!("{faults} of {calls} calls met with a fault");
    assert!(faults > 5, "{faults} of {calls} calls met with a fault");
    world.finish().await;
}
