//! One budget for the bytes that all readers of the process hold.
//!
//! In: how large a reader expects its next page to be. Out: a [`Reservation`] that lives as long as the page does. A
//! page that turned out larger is kept, not thrown away: the budget is overdrawn, and nothing further is admitted until
//! that is paid back.
//!
//! Half of the budget goes to whoever asks, first come, first served. The other half is for first pages of readers that
//! hold nothing, each no larger than its share ([`Account::fair_share`]), so that batches of others that fail and fail, and
//! are held for days, do not keep them waiting.

use std::fmt;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Notify, Semaphore};

/// What all readers of the process may hold unless told otherwise: 256 MiB.
pub const BUDGET_BYTES: usize = 256 * 1024 * 1024;

/// Largest budget: what one request to a semaphore can count.
const BUDGET_BYTES_MAX: usize = u32::MAX as usize;

/// A number of bytes that readers share. Cheap to clone: all clones are one budget.
#[derive(Clone, Debug)]
pub struct ByteBudget(Arc<Pools>);

#[derive(Debug)]
struct Pools {
    /// For pages of any size, of any reader.
    shared: Pool,
    /// For first pages of readers that hold nothing.
    first_pages: Pool,
    /// How many accounts there are.
    accounts: AtomicUsize,
}

/// One reader's account with the budget. Clones are the same account.
#[derive(Clone)]
pub struct Account(Arc<AccountInner>);

struct AccountInner {
    budget: ByteBudget,
    held: AtomicUsize,
    /// Told when `held` becomes zero.
    emptied: Notify,
}

/// Bytes that are spoken for, until this is dropped.
#[derive(Debug)]
pub struct Reservation {
    account: Account,
    pool: PoolName,
    bytes: usize,
}

/// How large the next page is expected to be, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// A page of the size that the reader would like.
    pub page: usize,
    /// A page within the account's fair share, to have something to work on.
    pub first_page: usize,
}

/// Which page was admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolName {
    /// The one that the reader would like.
    Shared,
    /// The small one.
    FirstPages,
}

impl Default for ByteBudget {
    fn default() -> Self {
        Self::new(BUDGET_BYTES)
    }
}

impl ByteBudget {
    /// A budget of `total` bytes, at least 2 and at most 4 GiB.
    #[must_use]
    pub fn new(total: usize) -> Self {
        let total = total.clamp(2, BUDGET_BYTES_MAX);
        let first_pages = Pool::new(total / 2);
        Self(Arc::new(Pools {
            shared: Pool::new(total - total / 2),
            first_pages,
            accounts: AtomicUsize::new(0),
        }))
    }

    /// An account for one more reader.
    #[must_use]
    pub fn account(&self) -> Account {
        self.0.accounts.fetch_add(1, Ordering::Relaxed);
        let inner = AccountInner { budget: self.clone(), held: AtomicUsize::new(0), emptied: Notify::new() };
        Account(Arc::new(inner))
    }

    /// Bytes that it has in all.
    #[must_use]
    pub fn total(&self) -> usize {
        self.0.shared.total + self.0.first_pages.total
    }

    /// Bytes that are held or reserved now.
    #[must_use]
    pub fn held(&self) -> usize {
        self.0.shared.held() + self.0.first_pages.held()
    }

    fn pool(&self, name: PoolName) -> &Pool {
        match name {
            PoolName::Shared => &self.0.shared,
            PoolName::FirstPages => &self.0.first_pages,
        }
    }
}

impl Drop for AccountInner {
    fn drop(&mut self) {
        self.budget.0.accounts.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Account {
    /// What is there for the first page of each account, if all of them want one at the same time, in bytes.
    #[must_use]
    pub fn fair_share(&self) -> usize {
        let pools = &self.0.budget.0;
        pools.first_pages.total / pools.accounts.load(Ordering::Relaxed).max(1)
    }

    /// Waits until there is room for a page, in order of asking; at most the whole pool is reserved.
    ///
    /// While the account holds nothing, a first page will do. Cancelling gives everything back and leaves the queue.
    pub async fn reserve(&self, wanted: Wanted) -> Reservation {
        let budget = &self.0.budget;
        if let Some(bytes) = budget.0.shared.take_now(wanted.page) {
            return self.reservation(PoolName::Shared, bytes);
        }
        let mut page = pin!(budget.0.shared.take(wanted.page));
        tokio::select! {
            biased;
            bytes = &mut page => return self.reservation(PoolName::Shared, bytes),
            () = self.emptied() => {}
        }
        tokio::select! {
            biased;
            bytes = page => self.reservation(PoolName::Shared, bytes),
            bytes = budget.0.first_pages.take(wanted.first_page) => self.reservation(PoolName::FirstPages, bytes),
        }
    }

    /// A reservation of the page that the reader would like, if there is room and nobody waits. For whoever holds something
    /// already that it would not let go while it waits.
    #[must_use]
    pub fn reserve_now(&self, wanted: Wanted) -> Option<Reservation> {
        let bytes = self.0.budget.0.shared.take_now(wanted.page)?;
        Some(self.reservation(PoolName::Shared, bytes))
    }

    /// A reservation of bytes that are held already, though there may be no room for them.
    #[must_use]
    pub fn reserve_in_any_case(&self, bytes: usize) -> Reservation {
        self.0.budget.0.shared.take_in_any_case(bytes);
        self.reservation(PoolName::Shared, bytes)
    }

    /// Returns once the account holds nothing.
    async fn emptied(&self) {
        loop {
            let emptied = self.0.emptied.notified();
            let mut emptied = pin!(emptied);
            // Before looking: a page that is dropped from here on is noticed.
            emptied.as_mut().enable();
            if self.0.held.load(Ordering::Acquire) == 0 {
                return;
            }
            emptied.await;
        }
    }

    fn reservation(&self, pool: PoolName, bytes: usize) -> Reservation {
        self.0.held.fetch_add(bytes, Ordering::AcqRel);
        Reservation { account: self.clone(), pool, bytes }
    }
}

impl Reservation {
    /// Which page was admitted.
    #[must_use]
    pub fn pool(&self) -> PoolName {
        self.pool
    }

    /// Bytes that are spoken for.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Makes it as large as the page turned out to be. Never waits.
    pub fn resize(&mut self, bytes: usize) {
        let account = &self.account.0;
        let pool = account.budget.pool(self.pool);
        if bytes > self.bytes {
            pool.take_in_any_case(bytes - self.bytes);
            account.held.fetch_add(bytes - self.bytes, Ordering::AcqRel);
        } else {
            pool.give_back(self.bytes - bytes);
            account.held.fetch_sub(self.bytes - bytes, Ordering::AcqRel);
        }
        self.bytes = bytes;
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let account = &self.account.0;
        account.budget.pool(self.pool).give_back(self.bytes);
        if account.held.fetch_sub(self.bytes, Ordering::AcqRel) == self.bytes {
            account.emptied.notify_waiters();
        }
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Account({} bytes)", self.0.held.load(Ordering::Relaxed))
    }
}

#[derive(Debug)]
struct Pool {
    total: usize,
    /// One permit is one byte. Fair: a large request is not overtaken by small ones.
    free: Semaphore,
    /// Bytes held beyond `total`. What is given back pays for these first.
    overdrawn: Mutex<usize>,
}

impl Pool {
    fn new(total: usize) -> Self {
        Self { total, free: Semaphore::new(total), overdrawn: Mutex::new(0) }
    }

    /// Takes `bytes` if there are as many and nobody waits.
    fn take_now(&self, bytes: usize) -> Option<usize> {
        let bytes = bytes.min(self.total);
        self.free.try_acquire_many(permits(bytes)).ok()?.forget();
        Some(bytes)
    }

    /// Takes `bytes` when it is their turn. Cancelling leaves the queue.
    async fn take(&self, bytes: usize) -> usize {
        let bytes = bytes.min(self.total);
        self.free.acquire_many(permits(bytes)).await.expect("a pool is never closed").forget();
        bytes
    }

    /// Takes `bytes` that somebody holds already, though they may not be there.
    fn take_in_any_case(&self, bytes: usize) {
        if bytes > self.total || self.take_now(bytes).is_none() {
            *self.overdrawn() += bytes;
        }
    }

    fn give_back(&self, bytes: usize) {
        let paid = {
            let mut overdrawn = self.overdrawn();
            let paid = bytes.min(*overdrawn);
            *overdrawn -= paid;
            paid
        };
        self.free.add_permits(bytes - paid);
    }

    fn held(&self) -> usize {
        self.total - self.free.available_permits() + *self.overdrawn()
    }

    fn overdrawn(&self) -> std::sync::MutexGuard<'_, usize> {
        self.overdrawn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn permits(bytes: usize) -> u32 {
    u32::try_from(bytes).expect("a pool is at most BUDGET_BYTES_MAX bytes")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::time::timeout;

    fn wanted(page: usize) -> Wanted {
        Wanted { page, first_page: 10 }
    }

    /// What a reader gets without waiting for anybody. Time is paused: an idle runtime jumps to the end of the hour.
    async fn at_once(account: &Account, page: usize) -> Option<Reservation> {
        timeout(Duration::from_secs(3600), account.reserve(wanted(page))).await.ok()
    }

    #[test]
    fn a_fair_share_is_the_same_part_for_each_account_that_there_is() {
        let budget = ByteBudget::new(800);
        let first = budget.account();
        assert_eq!(first.fair_share(), 400);
        let others: Vec<Account> = (0..3).map(|_| budget.account()).collect();
        assert_eq!(first.fair_share(), 100);
        drop(others);
        assert_eq!(first.fair_share(), 400);
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_holds_something_waits_for_room() {
        let budget = ByteBudget::new(200);
        let account = budget.account();
        let first = at_once(&account, 80).await.unwrap();
        assert!(at_once(&account, 80).await.is_none());
        let waiting = {
            let account = account.clone();
            tokio::spawn(async move { account.reserve(wanted(80)).await })
        };
        tokio::task::yield_now().await;
        drop(first);
        assert_eq!(waiting.await.unwrap().bytes(), 80);
        assert_eq!(budget.held(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_holds_nothing_gets_a_first_page_while_others_hold_everything() {
        let budget = ByteBudget::new(200);
        let _everything = at_once(&budget.account(), 100).await.unwrap();
        let page = at_once(&budget.account(), 80).await.unwrap();
        assert_eq!((page.pool(), page.bytes()), (PoolName::FirstPages, 10));
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_waits_gets_a_first_page_once_it_holds_nothing() {
        let budget = ByteBudget::new(200);
        let _others = at_once(&budget.account(), 60).await.unwrap();
        let account = budget.account();
        let held = at_once(&account, 20).await.unwrap();
        let waiting = {
            let account = account.clone();
            tokio::spawn(async move { account.reserve(wanted(80)).await })
        };
        tokio::task::yield_now().await;
        drop(held);
        assert_eq!(waiting.await.unwrap().pool(), PoolName::FirstPages);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_would_not_wait_gets_a_page_only_if_there_is_room() {
        let budget = ByteBudget::new(200);
        let account = budget.account();
        let page = account.reserve_now(wanted(80)).unwrap();
        assert!(account.reserve_now(wanted(80)).is_none());
        drop(page);
        assert!(account.reserve_now(wanted(80)).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_reservation_is_never_larger_than_there_can_be_room_for() {
        let budget = ByteBudget::new(200);
        assert_eq!(at_once(&budget.account(), 1_000_000).await.unwrap().bytes(), 100);
    }

    #[tokio::test(start_paused = true)]
    async fn a_page_larger_than_expected_is_kept_and_paid_back_before_others_are_admitted() {
        let budget = ByteBudget::new(200);
        let mut page = at_once(&budget.account(), 60).await.unwrap();
        page.resize(500);
        assert_eq!(budget.held(), 500);
        let other = budget.account();
        let _first = at_once(&other, 50).await.unwrap();
        assert!(at_once(&other, 50).await.is_none());
        page.resize(120);
        assert!(at_once(&other, 50).await.is_none(), "still overdrawn");
        drop(page);
        assert!(at_once(&other, 50).await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_gives_up_waiting_leaves_no_trace() {
        let budget = ByteBudget::new(200);
        let account = budget.account();
        let first = at_once(&account, 80).await.unwrap();
        assert!(at_once(&account, 100).await.is_none());
        drop(first);
        assert_eq!(budget.held(), 0);
        assert!(at_once(&account, 100).await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn ten_thousand_backlogged_readers_stay_within_the_budget_and_all_get_their_turn() {
        const PAGES_EACH: usize = 3;
        let budget = ByteBudget::new(1_000_000);
        let mut readers = tokio::task::JoinSet::new();
        for _ in 0..10_000 {
            let (account, budget) = (budget.account(), budget.clone());
            readers.spawn(async move {
                for _ in 0..PAGES_EACH {
                    let page = account.reserve(Wanted { page: 40_000, first_page: 150 }).await;
                    assert!(budget.held() <= 1_000_000);
                    tokio::task::yield_now().await;
                    drop(page);
                }
            });
        }
        let all = async { while readers.join_next().await.transpose().unwrap().is_some() {} };
        timeout(Duration::from_secs(3600), all).await.expect("nobody waits for ever");
        assert_eq!(budget.held(), 0);
    }
}
