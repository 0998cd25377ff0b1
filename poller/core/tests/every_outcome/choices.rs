//! Every way through a tree of choices, one after the other.

/// A way through the tree. Ask it at every fork; [`Choices::advance`] turns it into the next way.
#[derive(Debug, Default)]
pub(crate) struct Choices {
    /// At each fork: which branch was taken, of how many.
    taken: Vec<(usize, usize)>,
    /// How many forks of this way were passed.
    passed: usize,
}

impl Choices {
    /// Which of `branches` to take here.
    pub(crate) fn choose(&mut self, branches: usize) -> usize {
        if self.passed == self.taken.len() {
            self.taken.push((0, branches));
        }
        let (branch, of) = self.taken[self.passed];
        assert_eq!(of, branches, "the same choices lead to the same fork");
        self.passed += 1;
        branch
    }

    /// Goes to the next way; false after the last.
    pub(crate) fn advance(&mut self) -> bool {
        self.passed = 0;
        while let Some((branch, of)) = self.taken.pop() {
            if branch + 1 < of {
                self.taken.push((branch + 1, of));
                return true;
            }
        }
        false
    }
}

#[test]
fn every_way_is_walked_once() {
    let mut choices = Choices::default();
    let mut ways = Vec::new();
    loop {
        let first = choices.choose(3);
        let second = if first == 1 { choices.choose(2) } else { 0 };
        ways.push((first, second));
        if !choices.advance() {
            break;
        }
    }
    assert_eq!(ways, [(0, 0), (1, 0), (1, 1), (2, 0)]);
}
