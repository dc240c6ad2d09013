//! Laws of tables and values: made once, and nothing that is kept changes its shape.

use super::{Bed, TABLES, event, open, put_stock, start_with};
use crate::{Change, Migration, Once, Row, Store, Value, params, statement};

/// Opening again runs nothing again; a later migration runs on top of what is there.
pub async fn migrations_run_once(bed: &dyn Bed) {
    start_with(&open(bed).await, put_stock(1, 5)).await;
    let again = open(bed).await;
    assert_eq!(super::stock(&again, 1).await, 5);
    let second = Migration {
        version: 2,
        name: "more",
        text: "alter table law_stock add column note text; update law_stock set note = 'да';",
    };
    let grown = Store::open(bed.engine(), "law", &[TABLES[0], second], bed.world()).await.unwrap();
    let row = grown.read_one("select note from law_stock where id = $1", params![1]).await.unwrap().unwrap();
    assert_eq!(row.text(0).unwrap(), "да");
}

/// A migration that fails half-way leaves the tables as they were, and runs again when it is mended.
pub async fn a_failed_migration_leaves_nothing(bed: &dyn Bed) {
    open(bed).await;
    let broken = Migration {
        version: 2,
        name: "broken",
        text: "create table law_new (id bigint primary key); insert into law_nowhere values (1);",
    };
    let refused = Store::open(bed.engine(), "law", &[TABLES[0], broken], bed.world()).await.unwrap_err();
    assert_eq!(refused.code, "migration_failed");
    let mended = Migration { text: "create table law_new (id bigint primary key);", ..broken };
    let store = Store::open(bed.engine(), "law", &[TABLES[0], mended], bed.world()).await.unwrap();
    assert!(store.read("select id from law_new", params![]).await.unwrap().is_empty());
}

/// What makes the port's own tables is run again when another program brings another text, whatever ran before.
pub async fn the_ports_own_tables_follow_their_text(bed: &dyn Bed) {
    open(bed).await;
    let engine = bed.engine();
    for system in [
        "create table if not exists law_own (id bigint primary key);",
        "create table if not exists law_more (id bigint primary key);",
    ] {
        for _ in 0..2 {
            engine.migrate("law", system, TABLES).await.unwrap();
        }
    }
    for text in ["select id from law_own", "select id from law_more"] {
        assert!(engine.read(text, params![], 9).await.unwrap().is_empty());
    }
}

/// A program that does not know the newest migration keeps its hands off.
pub async fn tables_of_a_newer_program_are_refused(bed: &dyn Bed) {
    let second = Migration { version: 2, name: "more", text: "create table law_more (id bigint primary key);" };
    Store::open(bed.engine(), "law", &[TABLES[0], second], bed.world()).await.unwrap();
    assert_eq!(Store::open(bed.engine(), "law", TABLES, bed.world()).await.unwrap_err().code, "data_newer");
}

/// Text of any script survives in rows and in events.
pub async fn cyrillic_and_emoji_survive(bed: &dyn Bed) {
    let store = open(bed).await;
    let word = "Пицца «Ёлка» 🍕 — ça 'va' \" $1 ?1 \\ \n 漢字";
    let put = statement("insert into law_kept (id, word) values ($1, $2)", params![1, word]);
    store.commit(Once::Nothing, Change::new().write(put).say(event(1, "a.b.v1", word))).await.unwrap();
    let row = store.read_one("select word from law_kept where word = $1", params![word]).await.unwrap().unwrap();
    assert_eq!(row.text(0).unwrap(), word);
    let said: serde_json::Value = bed.said("law").await[0].peek().unwrap();
    assert_eq!(said["text"], word);
}

/// Each of the five column types, and none, comes back as it was.
pub async fn every_kind_of_value_survives(bed: &dyn Bed) {
    let store = open(bed).await;
    let text = "insert into law_kept (id, word, yes, part, raw) values ($1, $2, $3, $4, $5)";
    let full = params![i64::MAX, "", true, -0.1, vec![0_u8, 255, 10]];
    let empty = params![i64::MIN + 1, Value::Null, Value::Null, Value::Null, Value::Null];
    let change = Change::new().write(statement(text, full)).write(statement(text, empty.clone()));
    store.commit(Once::Nothing, change).await.unwrap();
    let rows = store.scan("select id, word, yes, part, raw from law_kept order by id desc", params![]).await.unwrap();
    let row = &rows[0];
    assert_eq!((row.int(0).unwrap(), row.text(1).unwrap(), row.bool(2).unwrap()), (i64::MAX, "", true));
    assert_eq!((row.real(3).unwrap(), row.bytes(4).unwrap()), (-0.1, &[0_u8, 255, 10][..]));
    assert_eq!(rows[1], Row(empty));
    let yes = store.read("select id from law_kept where yes = $1", params![true]).await.unwrap();
    assert_eq!(yes.len(), 1);
}

/// What is counted and summed is a number on every engine.
pub async fn sums_and_counts_are_numbers(bed: &dyn Bed) {
    let store = open(bed).await;
    for (id, left_over) in [(1, 40), (2, -2), (3, 1_000_000_000_000)] {
        start_with(&store, put_stock(id, left_over)).await;
    }
    let text = "select count(*), sum(left_over), max(left_over), coalesce(sum(version), 0) from law_stock";
    let row = store.read_one(text, params![]).await.unwrap().unwrap();
    let numbers: Vec<i64> = (0..4).map(|column| row.int(column).unwrap()).collect();
    assert_eq!(numbers, [3, 1_000_000_000_038, 1_000_000_000_000, 3]);
    let none = store.read_one("select sum(left_over) from law_stock where id = $1", params![9]).await.unwrap().unwrap();
    assert_eq!(none.opt_int(0).unwrap(), None);
}

/// A read without a limit does not fill the memory.
pub async fn too_many_rows_are_a_fault(bed: &dyn Bed) {
    let store = open(bed).await;
    let mut change = Change::new();
    for id in 0..145 {
        change = change.write(put_stock(id, 1));
    }
    store.commit(Once::Nothing, change).await.unwrap();
    let text = "select a.id from law_stock a cross join law_stock b";
    assert_eq!(store.read(text, params![]).await.unwrap_err().code, "too_many_rows");
    assert_eq!(store.scan(text, params![]).await.unwrap().len(), 145 * 145);
}
