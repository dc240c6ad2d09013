//! Suggest: the word that was probably meant.

/// The candidate nearest to `word`, when it is near enough to be a slip; the first one in order wins a tie.
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // A third of the word may be wrong: `catalogue` still finds `catalog`, `users` does not find `orders`.
    let allowed = (word.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (distance(&word.to_lowercase(), &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, candidate)| candidate)
}

/// How many letters must be added, dropped, changed or swapped with their neighbour
/// (Damerau-Levenshtein, in the restricted form that edits no letter twice).
fn distance(from: &str, to: &str) -> usize {
    let from: Vec<char> = from.chars().collect();
    let to: Vec<char> = to.chars().collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=to.len()).collect();
    for i in 1..=from.len() {
        let mut row = vec![i];
        for j in 1..=to.len() {
            let changed = last[j - 1] + usize::from(from[i - 1] != to[j - 1]);
            let mut best = changed.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1] {
                best = best.min(before_last[j - 2] + 1);
            }
            row.push(best);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_slip_costs_one() {
        assert_eq!(distance("orders", "orders"), 0);
        assert_eq!(distance("order", "orders"), 1);
        assert_eq!(distance("orderss", "orders"), 1);
        assert_eq!(distance("ordars", "orders"), 1);
        assert_eq!(distance("odrers", "orders"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", ""), 3);
        assert_eq!(distance("ca", "abc"), 3);
        assert_eq!(distance("заказ", "заказы"), 1);
    }

    #[test]
    fn only_a_near_word_is_suggested() {
        let services = ["catalog", "inventory", "orders", "payments"];
        assert_eq!(nearest("catalogue", services), Some("catalog"));
        assert_eq!(nearest("Payment", services), Some("payments"));
        assert_eq!(nearest("users", services), None);
        assert_eq!(nearest("weather", services), None);
    }

    #[test]
    fn a_tie_goes_to_the_first_in_order() {
        assert_eq!(nearest("cat", ["bat", "car"]), Some("bat"));
        assert_eq!(nearest("cat", ["car", "bat"]), Some("bat"));
    }
}
