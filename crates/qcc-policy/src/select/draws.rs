//! Choices by draw. One draw of the caller becomes as many as a choice needs, so that the same draw gives the same
//! order.

use super::Slot;

/// Numbers that follow from one: Steele, Lea and Flood's SplitMix64.
pub(super) struct Draws(u64);

impl Draws {
    pub(super) fn new(draw: u64) -> Self {
        Self(draw)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// 0 to 1, without 1.
    pub(super) fn unit(&mut self) -> f64 {
        // As many bits as the number has.
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// 0 to `end`, without `end`; 0 where that is 0.
    fn below(&mut self, end: usize) -> usize {
        ((u128::from(self.next()) * end as u128) >> 64) as usize
    }

    /// By weight; `total` is that of the run.
    pub(super) fn weighted(&mut self, run: &[Slot], total: f64) -> usize {
        let mut left = self.unit() * total;
        let mut chosen = 0;
        // Rounding may leave a crumb behind the last one, which then has it.
        for (at, slot) in run.iter().enumerate() {
            chosen = at;
            left -= slot.weight;
            if left < 0.0 {
                break;
            }
        }
        chosen
    }

    /// The lowest cost; of equals one by weight.
    pub(super) fn least(&mut self, run: &[Slot]) -> usize {
        let least = run.iter().fold(f64::INFINITY, |least, slot| if slot.cost < least { slot.cost } else { least });
        let equals = |slot: &Slot| if slot.cost <= least { slot.weight } else { 0.0 };
        let mut left = self.unit() * run.iter().map(equals).sum::<f64>();
        let mut chosen = 0;
        for (at, slot) in run.iter().enumerate() {
            if slot.cost <= least {
                chosen = at;
                left -= slot.weight;
                if left < 0.0 {
                    break;
                }
            }
        }
        chosen
    }

    /// The lower cost of two different ones; of equals the one that was drawn first.
    pub(super) fn better_of_two(&mut self, run: &[Slot]) -> usize {
        let one = self.below(run.len());
        let two = self.below(run.len().saturating_sub(1));
        let two = two + usize::from(two >= one);
        match run.get(two) {
            Some(other) if other.cost < run[one].cost => two,
            Some(_) | None => one,
        }
    }
}
