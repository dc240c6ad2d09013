use super::*;

const SHOP: ShopId = ShopId(1);

fn level(id: i64, available: i64, low_at: i64) -> Level {
    Level {
        stock_id: StockId(id),
        shop_id: SHOP,
        slug: format!("thing-{id}"),
        available,
        reserved: 0,
        consumed: 0,
        received: available,
        corrected: 0,
        wasted: 0,
        low_at,
        low: available < low_at,
        version: 3,
    }
}

fn shelf(levels: impl IntoIterator<Item = Level>) -> Shelf {
    levels.into_iter().map(|level| (level.stock_id, level)).collect()
}

fn order(id: i64, needs: &[(i64, i64)]) -> Demand {
    let needs = needs.iter().map(|(stock, quantity)| (StockId(*stock), *quantity)).collect();
    Demand { order_id: OrderId(id), shop_id: SHOP, needs }
}

#[test]
fn an_order_gets_all_or_nothing_and_leaves_the_rest_to_the_next() {
    let served = serve(
        shelf([level(1, 5, 0), level(2, 1, 0)]),
        &[order(1, &[(1, 3), (2, 1)]), order(2, &[(1, 2), (2, 1)]), order(3, &[(1, 2)])],
    );
    let missing: Vec<usize> = served.shortages.iter().map(Vec::len).collect();
    assert_eq!(missing, [0, 1, 0]);
    assert_eq!(served.shortages[1], [Shortage { stock_id: StockId(2), wanted: 1, available: 0 }]);
    let taken: Vec<_> = served.takes.iter().map(|take| (take.stock_id.0, take.quantity)).collect();
    assert_eq!(taken, [(1, 5), (2, 1)]);
}

#[test]
fn what_is_unknown_or_another_shops_is_not_there() {
    let mut other = level(1, 9, 0);
    other.shop_id = ShopId(2);
    let served = serve(shelf([other]), &[order(1, &[(1, 1)]), order(2, &[(7, 1)])]);
    assert!(served.takes.is_empty());
    assert!(served.shortages.iter().all(|missing| missing.len() == 1 && missing[0].available == 0));
}

#[test]
fn a_crossing_is_seen_once_for_a_whole_batch() {
    let served = serve(
        shelf([level(1, 100, 50), level(2, 100, 50), level(3, 40, 50)]),
        &[order(1, &[(1, 30), (2, 50), (3, 1)]), order(2, &[(1, 30)])],
    );
    let lows: Vec<_> = served.lows.iter().map(|low| (low.stock_id.0, low.available)).collect();
    assert_eq!(lows, [(1, 40)], "2 stands at its mark, 3 was low before");
    let crosses: Vec<bool> = served.takes.iter().map(|take| take.crosses).collect();
    assert_eq!(crosses, [true, false, false]);
}

#[test]
fn every_edit_keeps_the_balance() {
    let mut level = level(1, 10, 5);
    for (change, available, low) in [
        (Edit::Waste(6), 4, true),
        (Edit::Receive(1), 5, false),
        (Edit::Count(2), 2, true),
        (Edit::Count(30), 30, false),
        (Edit::Waste(30), 0, true),
        (Edit::Receive(4), 4, true),
    ] {
        let before = level.low;
        let edited = edit(&level, change, level.version).unwrap();
        assert_eq!(edited.after.available - level.available, edited.difference);
        level = edited.after;
        assert!(level.balances(), "{change:?}: {level:?}");
        assert_eq!((level.available, level.low), (available, low), "{change:?}");
        assert_eq!(edited.crosses, low && !before, "{change:?}");
    }
    assert_eq!(level.version, 9);
}

#[test]
fn a_stale_edit_is_refused_and_only_a_receipt_may_be_blind() {
    let level = level(1, 10, 0);
    assert_eq!(edit(&level, Edit::Count(9), 2), Err(Error::Stale { version: 3 }));
    assert_eq!(edit(&level, Edit::Receive(9), 2), Err(Error::Stale { version: 3 }));
    assert_eq!(edit(&level, Edit::Count(9), 0), Err(Error::VersionMissing));
    assert_eq!(edit(&level, Edit::Waste(9), 0), Err(Error::VersionMissing));
    assert!(edit(&level, Edit::Receive(9), 0).is_ok());
}

#[test]
fn nobody_throws_away_more_than_there_is_and_odd_quantities_are_refused() {
    let level = level(1, 10, 0);
    assert_eq!(edit(&level, Edit::Waste(11), 3), Err(Error::NotEnough { available: 10 }));
    for bad in [0, -1, i64::MIN, i64::MAX] {
        assert_eq!(edit(&level, Edit::Receive(bad), 3), Err(Error::NotAQuantity), "{bad}");
        assert_eq!(edit(&level, Edit::Waste(bad), 3), Err(Error::NotAQuantity), "{bad}");
        assert!(needs_of([(StockId(1), bad)]).is_err(), "{bad}");
    }
    assert_eq!(edit(&level, Edit::Count(-1), 3), Err(Error::NotAQuantity));
    assert!(edit(&level, Edit::Count(0), 3).is_ok());
}

#[test]
fn needs_named_twice_are_summed() {
    let needs = needs_of([(StockId(1), 2), (StockId(2), 1), (StockId(1), 3)]).unwrap();
    assert_eq!(needs, Needs::from([(StockId(1), 5), (StockId(2), 1)]));
}
