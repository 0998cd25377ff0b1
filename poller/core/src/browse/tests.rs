use super::*;

const CAUGHT_UP: Follows = Follows::CaughtUp;
const ENDED: Follows = Follows::NoPlace { names_children: false };

fn id(name: &str) -> ShardId {
    ShardId::new(name)
}

/// `a`, open; `!a`, closed; `c<a,b`, made of others.
fn listed(shards: &[&str]) -> Vec<ListedShard> {
    let shard = |text: &&str| {
        let (name, parents) = text.split_once('<').unwrap_or((text, ""));
        let parents = parents.split(',').filter(|parent| !parent.is_empty()).map(ShardId::new).collect();
        ListedShard {
            id: ShardId::new(name.trim_start_matches('!')),
            parents,
            is_open: !name.starts_with('!'),
        }
    };
    shards.iter().map(shard).collect()
}

fn all() -> Request {
    Request { from: BrowseFrom::Oldest, shard: None, records_max: None, is_following: false }
}

/// Records by their times of arrival.
fn page(arrivals: &[u64]) -> Vec<(Timestamp, u64)> {
    arrivals.iter().map(|arrival| (Timestamp::from_millis(*arrival), *arrival)).collect()
}

/// The shards that are to be read now, and from where.
fn reads(browse: &mut Browse<u64>) -> Vec<(String, BrowseFrom)> {
    browse.reads().into_iter().map(|read| (read.shard.to_string(), read.from)).collect()
}

fn names(browse: &mut Browse<u64>) -> Vec<String> {
    reads(browse).into_iter().map(|(name, _)| name).collect()
}

/// The records that come now, and what comes then.
fn shown(browse: &mut Browse<u64>) -> (Vec<u64>, Next<u64>) {
    let mut records = Vec::new();
    loop {
        match browse.next_step() {
            Next::Record(_, record) => records.push(record),
            other @ (Next::List | Next::Wait | Next::Finished(_)) => return (records, other),
        }
    }
}

#[test]
fn records_of_all_shards_are_merged_by_their_arrival() {
    let mut browse = Browse::new(all(), &listed(&["a", "b"]));
    assert_eq!(names(&mut browse), ["a", "b"]);
    browse.read(&id("a"), page(&[1, 4]), Follows::More);
    assert_eq!(shown(&mut browse), (vec![], Next::Wait), "b may have an older one");
    browse.read(&id("b"), page(&[2, 3, 5]), CAUGHT_UP);
    assert_eq!(shown(&mut browse), (vec![1, 2, 3, 4], Next::Wait), "a may have another one before 5");
    assert_eq!(names(&mut browse), ["a"]);
    browse.read(&id("a"), page(&[]), CAUGHT_UP);
    assert_eq!(shown(&mut browse), (vec![5], Next::Finished(End::EndOfStream)));
}

#[test]
fn within_a_shard_the_order_is_the_shard_s_whatever_the_times_say() {
    let mut browse = Browse::new(all(), &listed(&["a"]));
    names(&mut browse);
    browse.read(&id("a"), page(&[5, 3, 9]), CAUGHT_UP);
    assert_eq!(shown(&mut browse).0, [5, 3, 9]);
}

#[test]
fn a_shard_comes_after_those_that_it_was_made_of() {
    let mut browse = Browse::new(all(), &listed(&["c<a,b", "!a", "!b"]));
    assert_eq!(names(&mut browse), ["a", "b"]);
    browse.read(&id("a"), page(&[1]), ENDED);
    browse.read(&id("b"), page(&[2]), CAUGHT_UP);
    assert_eq!(shown(&mut browse), (vec![], Next::List), "the end is confirmed first");
    browse.listed(&listed(&["c<a,b", "!a", "!b"]));
    assert_eq!(shown(&mut browse), (vec![1, 2], Next::Wait), "a closed shard has an end");
    assert_eq!(names(&mut browse), ["b"]);
    browse.read(&id("b"), page(&[]), ENDED);
    assert_eq!(browse.next_step(), Next::List);
    browse.listed(&listed(&["c<a,b", "!a", "!b"]));
    assert_eq!(names(&mut browse), ["c"]);
    browse.read(&id("c"), page(&[3]), CAUGHT_UP);
    assert_eq!(shown(&mut browse), (vec![3], Next::Finished(End::EndOfStream)));
}

#[test]
fn children_that_appear_are_read_from_their_start_also_after_latest() {
    for from in [BrowseFrom::Oldest, BrowseFrom::Latest] {
        let request = Request { from: from.clone(), is_following: true, ..all() };
        let mut browse = Browse::new(request, &listed(&["a", "!x"]));
        let expected = if from == BrowseFrom::Latest { vec!["a"] } else { vec!["a", "x"] };
        assert_eq!(names(&mut browse), expected);
        browse.read(&id("a"), page(&[1]), ENDED);
        browse.listed(&listed(&["!a", "!x", "b<a", "c<a"]));
        let children: Vec<_> = reads(&mut browse).into_iter().filter(|(name, _)| name != "x").collect();
        assert_eq!(children, [("b".to_owned(), BrowseFrom::Oldest), ("c".to_owned(), BrowseFrom::Oldest)]);
    }
}

#[test]
fn a_time_holds_for_children_too() {
    let moment = BrowseFrom::At(Timestamp::from_millis(7));
    let mut browse = Browse::new(Request { from: moment.clone(), ..all() }, &listed(&["a"]));
    names(&mut browse);
    browse.read(&id("a"), page(&[]), ENDED);
    browse.listed(&listed(&["!a", "b<a"]));
    assert_eq!(reads(&mut browse), [("b".to_owned(), moment)]);
}

#[test]
fn an_end_that_the_list_denies_is_none() {
    let mut browse = Browse::new(all(), &listed(&["a"]));
    names(&mut browse);
    browse.read(&id("a"), page(&[1]), ENDED);
    browse.listed(&listed(&["a"]));
    assert_eq!(shown(&mut browse), (vec![1], Next::Wait));
    assert_eq!(names(&mut browse), ["a"]);
}

#[test]
fn one_shard_is_read_alone_and_followed_into_its_children() {
    let shards = listed(&["d<b", "!a", "b<a", "c"]);
    let one = |is_following| Request { shard: Some(id("a")), is_following, ..all() };
    let mut browse = Browse::new(one(false), &shards);
    assert_eq!(names(&mut browse), ["a"]);
    browse.read(&id("a"), page(&[1]), ENDED);
    browse.listed(&shards);
    assert_eq!(shown(&mut browse), (vec![1], Next::Finished(End::EndOfStream)));
    let mut browse = Browse::new(one(true), &shards);
    assert_eq!(names(&mut browse), ["a"]);
    browse.read(&id("a"), page(&[]), ENDED);
    browse.listed(&shards);
    assert_eq!(names(&mut browse), ["b"], "d was made of b, and c of neither");
}

#[test]
fn what_follows_a_record_is_read_in_its_shard_and_all_of_its_children() {
    let after = BrowseFrom::After(Position::new("5"));
    let request = Request { from: after.clone(), shard: Some(id("a")), is_following: true, ..all() };
    let mut browse = Browse::new(request, &listed(&["!a", "b<a", "c"]));
    assert_eq!(reads(&mut browse), [("a".to_owned(), after)]);
    browse.read(&id("a"), page(&[]), ENDED);
    browse.listed(&listed(&["!a", "b<a", "c"]));
    assert_eq!(reads(&mut browse), [("b".to_owned(), BrowseFrom::Oldest)]);
}

#[test]
fn at_the_limit_it_is_told_whether_there_are_more() {
    let two = || Browse::new(Request { records_max: Some(2), ..all() }, &listed(&["a"]));
    let mut browse = two();
    assert_eq!(browse.reads()[0].records_max, 3, "one more than are shown");
    browse.read(&id("a"), page(&[1, 2, 3]), Follows::More);
    assert_eq!(shown(&mut browse), (vec![1, 2], Next::Finished(End::Limit { is_more: true })));
    let mut browse = two();
    names(&mut browse);
    browse.read(&id("a"), page(&[1, 2]), Follows::More);
    assert_eq!(shown(&mut browse), (vec![1, 2], Next::Wait), "that is not known yet");
    names(&mut browse);
    browse.read(&id("a"), page(&[]), CAUGHT_UP);
    assert_eq!(shown(&mut browse), (vec![], Next::Finished(End::Limit { is_more: false })));
}

#[test]
fn whoever_follows_waits_at_the_end_and_one_idle_shard_holds_up_no_other() {
    let request = Request { is_following: true, records_max: Some(3), ..all() };
    let mut browse = Browse::new(request, &listed(&["a", "b"]));
    names(&mut browse);
    browse.read(&id("a"), page(&[1]), CAUGHT_UP);
    browse.read(&id("b"), page(&[]), CAUGHT_UP);
    assert_eq!(shown(&mut browse), (vec![1], Next::Wait));
    assert!(browse.reads().iter().all(|read| read.is_idle));
    browse.read(&id("a"), page(&[2, 4]), CAUGHT_UP);
    assert_eq!(shown(&mut browse), (vec![2, 4], Next::Finished(End::Limit { is_more: false })));
}

#[test]
fn pages_begin_small_and_grow() {
    assert_eq!(page_records(Some(100), 1, 0), 101);
    assert_eq!(page_records(Some(100), 4, 0), 26);
    assert_eq!(page_records(Some(100), 100, 0), 10);
    assert_eq!(page_records(Some(100), 100, 2), 40);
    assert_eq!(page_records(Some(100), 100, 9), 101);
    assert_eq!(page_records(Some(0), 3, 0), 1);
    assert_eq!(page_records(None, 3, 0), 100);
    assert_eq!(page_records(None, 3, 40), 500);
}

#[test]
fn a_stream_without_the_shard_has_nothing_to_read() {
    let request = Request { shard: Some(id("z")), ..all() };
    assert!(!Browse::<u64>::new(request, &listed(&["a"])).has_shards());
}
