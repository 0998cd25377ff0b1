//! What the port promises.

use super::*;
use crate::errors::chain;
use crate::ports::{KeptShard, StoreError};
use bytes::Bytes;
use pelton_core::OpenWindow;
use std::sync::Arc;

#[tokio::test]
async fn what_is_kept_outlives_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let starts = [
        None,
        Some(ShardStart::TrimHorizon),
        Some(ShardStart::AtTimestamp(Timestamp::from_millis(5))),
        Some(ShardStart::AfterLatest(Timestamp::from_millis(6))),
    ];
    let shards: Vec<NewShard> =
        (0..).zip(starts).map(|(number, start)| NewShard { id: shard(number), start }).collect();
    {
        let store = open(&file_in(&folder));
        assert_eq!(store.load(&mapping()).await.unwrap(), None);
        store.replace(&mapping(), &beginning(stream(7), &shards)).await.unwrap();
        store
            .save(&mapping(), &shard(1), &at("49590338271490256608559692538361571095921575989136588898"))
            .await
            .unwrap();
        let ended = Checkpoint { ended: true, ..Checkpoint::default() };
        store.save(&mapping(), &shard(3), &ended).await.unwrap();
    }
    let state = loaded(&open(&file_in(&folder))).await;
    assert_eq!(state.stream, stream(7));
    let kept: Vec<(Option<ShardStart>, Checkpoint)> =
        state.shards.into_values().map(|KeptShard { start, checkpoint }| (start, checkpoint)).collect();
    let position = at("49590338271490256608559692538361571095921575989136588898");
    let ended = Checkpoint { ended: true, ..Checkpoint::default() };
    assert_eq!(
        kept,
        [
            (starts[0], ended.clone()),
            (starts[1], position),
            (starts[2], Checkpoint::default()),
            (starts[3], ended)
        ]
    );
}

#[tokio::test]
async fn a_window_and_what_is_settled_ahead_are_kept_with_the_position_and_go_with_the_next_save() {
    let folder = tempfile::tempdir().unwrap();
    let moment = Timestamp::from_millis;
    // Not even UTF-8: the state is kept to the byte.
    let state = Bytes::from_static(b"{ \"b\":1.50, \"a\":\"\\u00e9\" }\xff\0");
    let window = Some(OpenWindow { start: moment(60_000), end: moment(120_000), state });
    let empty = Some(OpenWindow { start: moment(0), end: moment(1), state: Bytes::new() });
    let whole = Checkpoint { ahead: [0, 1, u64::MAX, 0x0102_0304_0506_0708].into(), window, ..at("10") };
    for checkpoint in [
        whole.clone(),
        Checkpoint { window: None, ..whole.clone() },
        Checkpoint { ahead: [].into(), ..whole.clone() },
        Checkpoint { window: empty, position: None, ..whole },
        at("11"),
    ] {
        let store = open_started(&file_in(&folder), 2).await;
        store.save(&mapping(), &shard(0), &checkpoint).await.unwrap();
        drop(store);
        let store = open(&file_in(&folder));
        assert_eq!(checkpoint_of(&store, 0).await, checkpoint);
        assert_eq!(checkpoint_of(&store, 1).await, Checkpoint::default(), "another shard is not touched");
    }
}

#[tokio::test]
async fn a_shard_that_is_kept_is_not_set_back_by_adding_it_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_started(&file_in(&folder), 1).await;
    store.save(&mapping(), &shard(0), &at("10")).await.unwrap();
    store.change_shards(&mapping(), &[new_shard(0), new_shard(1)], &[]).await.unwrap();
    assert_eq!(checkpoint_of(&store, 0).await, at("10"));
    assert_eq!(checkpoint_of(&store, 1).await, Checkpoint::default());
}

#[tokio::test]
async fn removed_shards_are_forgotten_and_removing_them_again_is_fine() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_started(&file_in(&folder), 3).await;
    for _ in 0..2 {
        store.change_shards(&mapping(), &[], &[shard(0), shard(2)]).await.unwrap();
        assert_eq!(loaded(&store).await.shards.into_keys().collect::<Vec<_>>(), [shard(1)]);
    }
}

#[tokio::test]
async fn a_start_forgets_every_position_of_the_former_stream() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_started(&file_in(&folder), 2).await;
    let other = MappingId("ClickCounterClicks".into());
    store.replace(&other, &beginning(stream(1), &[new_shard(0)])).await.unwrap();
    store.save(&other, &shard(0), &at("77")).await.unwrap();
    store.save(&mapping(), &shard(0), &at("10")).await.unwrap();
    store.replace(&mapping(), &beginning(stream(2), &[new_shard(0)])).await.unwrap();
    let state = loaded(&store).await;
    assert_eq!(state.stream, stream(2));
    assert_eq!(state.shards.len(), 1);
    assert_eq!(state.shards[&shard(0)].checkpoint, Checkpoint::default());
    let others = store.load(&other).await.unwrap().unwrap();
    assert_eq!(others.shards[&shard(0)].checkpoint, at("77"), "another mapping is not touched");
}

#[tokio::test]
async fn what_replaces_a_mapping_brings_its_positions_and_leaves_nothing_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_started(&file_in(&folder), 3).await;
    store.save(&mapping(), &shard(0), &at("10")).await.unwrap();
    let other = MappingId("ClickCounterClicks".into());
    store.replace(&other, &beginning(stream(1), &[new_shard(0)])).await.unwrap();
    store.save(&other, &shard(0), &at("77")).await.unwrap();
    let ended = Checkpoint { ended: true, ..at("30") };
    let over = Checkpoint { ended: true, ..Checkpoint::default() };
    let starts =
        [Some(ShardStart::AfterLatest(Timestamp::from_millis(6))), Some(ShardStart::TrimHorizon), None];
    let checkpoints = [at("20"), ended, over];
    let shards = (5..).zip(starts).zip(checkpoints);
    let shards = shards.map(|((number, start), checkpoint)| (shard(number), KeptShard { start, checkpoint }));
    let state = KeptMapping { stream: stream(2), shards: shards.collect() };
    store.replace(&mapping(), &state).await.unwrap();
    assert_eq!(loaded(&store).await, state);
    let others = store.load(&other).await.unwrap().unwrap();
    assert_eq!(others.shards[&shard(0)].checkpoint, at("77"), "another mapping is not touched");
    let unknown = MappingId("NeverRan".into());
    store.replace(&unknown, &state).await.unwrap();
    assert_eq!(store.load(&unknown).await.unwrap(), Some(state));
}

#[tokio::test]
async fn a_late_save_of_a_forgotten_shard_is_refused_and_brings_nothing_back() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_started(&file_in(&folder), 2).await;
    store.replace(&mapping(), &beginning(stream(2), &[new_shard(7)])).await.unwrap();
    let error = store.save(&mapping(), &shard(1), &at("10")).await.unwrap_err();
    assert!(matches!(error, StoreError::Unwritable { .. }));
    assert!(chain(&error).contains("shard shardId-000000000001 of mapping OrderLedgerOrders is not in it"));
    let unknown = MappingId("Gone".into());
    store.change_shards(&unknown, &[new_shard(0)], &[]).await.unwrap_err();
    assert_eq!(store.load(&unknown).await.unwrap(), None);
    assert_eq!(loaded(&store).await.shards.into_keys().collect::<Vec<_>>(), [shard(7)]);
}

#[tokio::test]
async fn requests_are_carried_out_in_the_order_in_which_they_were_made() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_started(&file_in(&folder), 1).await;
    let (mapping, shard, anew) = (mapping(), shard(0), beginning(stream(2), &[new_shard(0)]));
    let (late, restart) = (at("10"), at("20"));
    let (first, second, third, state) = tokio::join!(
        store.save(&mapping, &shard, &late),
        store.replace(&mapping, &anew),
        store.save(&mapping, &shard, &restart),
        store.load(&mapping),
    );
    first.and(second).and(third).unwrap();
    assert_eq!(state.unwrap().unwrap().shards[&shard].checkpoint, restart);
}

#[tokio::test]
async fn many_savers_at_once_are_each_answered_and_each_kept() {
    const SAVERS: u32 = 64;
    const SAVES: u32 = 50;
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(open_started(&file_in(&folder), SAVERS).await);
    let savers: Vec<_> = (0..SAVERS)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move {
                for save in 0..SAVES {
                    store.save(&mapping(), &shard(number), &at(&save.to_string())).await.unwrap();
                }
            })
        })
        .collect();
    for saver in savers {
        saver.await.unwrap();
    }
    let last = at(&(SAVES - 1).to_string());
    assert!(loaded(&store).await.shards.values().all(|shard| shard.checkpoint == last));
}

#[tokio::test]
async fn a_save_once_begun_is_carried_out_though_nobody_waits_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_started(&file_in(&folder), 1).await;
    let (mapping, shard, checkpoint) = (mapping(), shard(0), at("10"));
    tokio::select! {
        biased;
        _ = store.save(&mapping, &shard, &checkpoint) => {}
        () = std::future::ready(()) => {}
    }
    assert_eq!(checkpoint_of(&store, 0).await, checkpoint);
}
