//! Compares our entries with the provider's books: every movement that one of the two knows, the other must know too.

use std::collections::{BTreeMap, BTreeSet};

use base::Timestamp;
use base::id::PaymentId;

use crate::asking;
use crate::provider::BookRow;

/// A movement as we noted it: captures and refunds that are done; cash is none of the provider's business.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OurEntry {
    /// The payment; it carries the number of its order.
    pub payment: PaymentId,
    /// `capture` or `refund`.
    pub kind: String,
    /// How much.
    pub amount_minor: i64,
    /// The provider's name for it.
    pub provider_id: String,
}

/// A place where the two differ.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Discrepancy {
    /// The payment, if it can be told.
    pub payment: Option<PaymentId>,
    /// The provider's name for the movement, if it has one.
    pub provider_id: String,
    /// What is wrong, for people.
    pub what: String,
}

/// Gives every difference between our notes and books that were read after them.
///
/// What the books know more is no difference where our notes may lag behind: for payments that were `unsettled` before
/// the notes were read, and for rows since `began`, when that reading began.
pub fn compare(ours: &[OurEntry], books: &[BookRow], unsettled: &BTreeSet<PaymentId>, began: Timestamp) -> Vec<Discrepancy> {
    let mut found = Vec::new();
    let moves = |row: &&BookRow| row.kind == "capture" || row.kind == "refund";
    let mut noted: BTreeMap<(&str, &str), &OurEntry> = BTreeMap::new();
    for entry in ours {
        if noted.insert((&entry.kind, &entry.provider_id), entry).is_some() {
            found.push(differs(Some(entry.payment), &entry.provider_id, format!("we noted this {} more than once", entry.kind)));
        }
    }
    let mut captures: BTreeMap<PaymentId, u32> = BTreeMap::new();
    for row in books.iter().filter(moves) {
        let payment = asking::payment_of(&row.key);
        if let Some(payment) = payment.filter(|_| row.kind == "capture") {
            *captures.entry(payment).or_default() += 1;
        }
        match noted.remove(&(row.kind.as_str(), row.id.as_str())) {
            None if row.at >= began.micros() || payment.is_some_and(|payment| unsettled.contains(&payment)) => {}
            None => found.push(differs(
                payment,
                &row.id,
                format!("the provider knows a {} of {} that we do not", row.kind, row.amount_minor),
            )),
            Some(entry) if entry.amount_minor != row.amount_minor => {
                let what = format!("a {} is {} to us and {} to the provider", row.kind, entry.amount_minor, row.amount_minor);
                found.push(differs(payment, &row.id, what));
            }
            Some(entry) if payment.is_some_and(|payment| payment != entry.payment) => {
                found.push(differs(
                    Some(entry.payment),
                    &row.id,
                    format!("the provider has this {} under another payment's key", row.kind),
                ));
            }
            Some(_) => {}
        }
    }
    for entry in noted.into_values() {
        let what = format!("we noted a {} of {} that the provider does not know", entry.kind, entry.amount_minor);
        found.push(differs(Some(entry.payment), &entry.provider_id, what));
    }
    for (payment, count) in captures {
        if count > 1 {
            found.push(differs(Some(payment), "", format!("the provider captured {count} times")));
        }
    }
    found.sort();
    found
}

/// Leaves out what the provider knows of payments that we dropped because they were settled long ago.
pub fn leave_out_dropped(books: &mut Vec<BookRow>, ours: &[OurEntry], ids_below: i64) {
    let kept: BTreeSet<PaymentId> = ours.iter().map(|entry| entry.payment).collect();
    let dropped = |payment: PaymentId| payment.0 < ids_below && !kept.contains(&payment);
    books.retain(|row| !asking::payment_of(&row.key).is_some_and(dropped));
}

fn differs(payment: Option<PaymentId>, provider_id: &str, what: String) -> Discrepancy {
    Discrepancy { payment, provider_id: provider_id.to_owned(), what }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000);

    fn row(payment: i64, id: &str, kind: &str, amount_minor: i64) -> BookRow {
        let key = asking::key(PaymentId(payment), if kind == "capture" { "charge" } else { "refund-1" });
        BookRow {
            seq: 1,
            id: id.to_owned(),
            charge_id: "ch_1".to_owned(),
            key,
            order_reference: String::new(),
            kind: kind.to_owned(),
            amount_minor,
            currency: "USD".to_owned(),
            at: 0,
        }
    }

    fn ours(payment: i64, id: &str, kind: &str, amount_minor: i64) -> OurEntry {
        OurEntry { payment: PaymentId(payment), kind: kind.to_owned(), amount_minor, provider_id: id.to_owned() }
    }

    fn whats(ours: &[OurEntry], books: &[BookRow]) -> Vec<String> {
        compare(ours, books, &BTreeSet::new(), NOW).into_iter().map(|found| found.what).collect()
    }

    #[test]
    fn equal_books_have_no_differences() {
        let mine = [ours(7, "ch_1", "capture", 500), ours(7, "re_1", "refund", 200)];
        let books = [row(7, "ch_1", "capture", 500), row(7, "re_1", "refund", 200), row(8, "ch_2", "decline", 900)];
        assert_eq!(compare(&mine, &books, &BTreeSet::new(), NOW), []);
    }

    #[test]
    fn what_was_dropped_long_ago_is_no_difference_and_what_is_old_and_kept_may_be_one() {
        let mut books = vec![row(5, "ch_0", "capture", 1), row(7, "ch_1", "capture", 500), row(9, "ch_2", "capture", 2)];
        let mine = [ours(7, "ch_1", "capture", 400)];
        leave_out_dropped(&mut books, &mine, 8);
        assert_eq!(
            whats(&mine, &books),
            ["a capture is 400 to us and 500 to the provider", "the provider knows a capture of 2 that we do not"]
        );
    }

    #[test]
    fn each_kind_of_difference_is_named() {
        assert_eq!(whats(&[], &[row(7, "ch_1", "capture", 500)]), ["the provider knows a capture of 500 that we do not"]);
        assert_eq!(whats(&[ours(7, "ch_1", "capture", 500)], &[]), ["we noted a capture of 500 that the provider does not know"]);
        assert_eq!(
            whats(&[ours(7, "ch_1", "capture", 500)], &[row(7, "ch_1", "capture", 501)]),
            ["a capture is 500 to us and 501 to the provider"]
        );
        assert_eq!(
            whats(&[ours(8, "ch_1", "capture", 500)], &[row(7, "ch_1", "capture", 500)]),
            ["the provider has this capture under another payment's key"]
        );
        let twice = [row(7, "ch_1", "capture", 500), row(7, "ch_2", "capture", 500)];
        let mine = [ours(7, "ch_1", "capture", 500), ours(7, "ch_2", "capture", 500)];
        assert_eq!(whats(&mine, &twice), ["the provider captured 2 times"]);
        let doubled = [ours(7, "ch_1", "capture", 500), ours(7, "ch_1", "capture", 500)];
        assert_eq!(whats(&doubled, &[row(7, "ch_1", "capture", 500)]), ["we noted this capture more than once"]);
    }

    #[test]
    fn the_books_may_know_more_of_what_is_still_moving() {
        let unsettled = BTreeSet::from([PaymentId(7)]);
        assert_eq!(compare(&[], &[row(7, "ch_1", "capture", 500)], &unsettled, NOW), []);
        assert_eq!(compare(&[], &[row(8, "ch_1", "capture", 500)], &unsettled, NOW).len(), 1);
        let later = BookRow { at: NOW.micros(), ..row(8, "ch_1", "capture", 500) };
        assert_eq!(compare(&[], &[later], &unsettled, NOW), []);
    }
}
