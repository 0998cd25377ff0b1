//! The one writer of the checkpoints file.
//!
//! In: requests, in order. Out: an answer to each, once it is committed. What waits together is one transaction.

use super::file;
use super::rows::{self, Change, Refused};
use crate::ports::{KeptMapping, StoreError};
use pelton_core::Timestamp;
use pelton_model::MappingId;
use rusqlite::{Connection, TransactionBehavior};
use std::mem;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// Most requests of one transaction.
const GROUP_MAX: usize = 256;

/// Where an answer goes. Whoever asked may be gone: then nobody wants to know.
pub(super) type Answer<T> = oneshot::Sender<Result<T, StoreError>>;

pub(super) enum Request {
    Load { mapping: MappingId, answer: Answer<Option<KeptMapping>> },
    Change { change: Change, at: Timestamp, answer: Answer<()> },
}

struct Pending {
    change: Change,
    at: Timestamp,
    answer: Answer<()>,
}

/// Owns the connection.
pub(super) struct Writer {
    connection: Connection,
    file: String,
}

impl Writer {
    pub(super) fn new(connection: Connection, file: String) -> Self {
        Self { connection, file }
    }

    /// Answers requests until the queue is closed and empty.
    pub(super) fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        let mut group = Vec::with_capacity(GROUP_MAX);
        while requests.blocking_recv_many(&mut group, GROUP_MAX) > 0 {
            self.carry_out(&mut group);
        }
    }

    fn carry_out(&mut self, group: &mut Vec<Request>) {
        let mut pending = Vec::new();
        for request in group.drain(..) {
            match request {
                Request::Change { change, at, answer } => pending.push(Pending { change, at, answer }),
                Request::Load { mapping, answer } => {
                    self.commit(mem::take(&mut pending));
                    answer.send(self.load(&mapping)).ok();
                }
            }
        }
        self.commit(pending);
    }

    fn load(&self, mapping: &MappingId) -> Result<Option<KeptMapping>, StoreError> {
        rows::load(&self.connection, mapping)
            .map_err(|source| StoreError::Corrupt { file: self.file.clone(), source })
    }

    fn commit(&mut self, pending: Vec<Pending>) {
        if pending.is_empty() {
            return;
        }
        match self.write(&pending) {
            Ok(results) => {
                for (Pending { answer, .. }, result) in pending.into_iter().zip(results) {
                    answer.send(result.map_err(|refused| self.unwritable(refused))).ok();
                }
            }
            Err(error) => {
                let error = Arc::new(error);
                for Pending { answer, .. } in pending {
                    answer.send(Err(file::classify(Path::new(&self.file), error.clone()))).ok();
                }
            }
        }
    }

    /// One transaction. A refused change touches nothing and stops no other.
    fn write(&mut self, pending: &[Pending]) -> rusqlite::Result<Vec<Result<(), Refused>>> {
        if let [Pending { change: change @ Change::Save { .. }, at, .. }] = pending {
            // One statement, which is a transaction by itself: two statements less for each batch.
            return Ok(vec![rows::apply(&self.connection, change, *at)?]);
        }
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut results = Vec::with_capacity(pending.len());
        for Pending { change, at, .. } in pending {
            results.push(rows::apply(&transaction, change, *at)?);
        }
        transaction.commit()?;
        Ok(results)
    }

    fn unwritable(&self, refused: Refused) -> StoreError {
        StoreError::Unwritable { file: self.file.clone(), source: refused.into() }
    }
}
