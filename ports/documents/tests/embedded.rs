//! The laws of documents on SQLite, and what is special to it.

use std::sync::Arc;

use base::Event;
use documents::laws::{COLLECTIONS, Place};
use documents::{Change, Collection, Embedded, Field, Index, Once, Query, Store};
use embedded::{Database, Options, Synchronous};
use tempfile::TempDir;

struct Sqlite {
    database: Database,
    folder: TempDir,
}

fn fresh() -> Sqlite {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { synchronous: Synchronous::Off, ..Options::default() };
    Sqlite { database: Database::open(folder.path().join("test.db"), options).unwrap(), folder }
}

async fn open(database: &Database, collections: &'static [Collection]) -> Store {
    let engine = Arc::new(Embedded::new(database.clone()));
    Store::open(engine, "lawful", collections, sql::testing::world()).await.unwrap()
}

impl Place for Sqlite {
    async fn open(&self) -> Store {
        assert!(self.folder.path().exists());
        open(&self.database, COLLECTIONS).await
    }

    async fn events(&self) -> Vec<Event> {
        let events = self.database.events_after(&[], 0, 1_000).unwrap();
        events.iter().map(|event| Event::clone(event)).collect()
    }
}

documents::laws!(fresh());

static BEFORE: &[Collection] = &[Collection { name: "things", fields: &[Field::int("shop")], indexes: &[] }];
static AFTERWARDS: &[Collection] = &[Collection {
    name: "things",
    fields: &[Field::int("shop"), Field::text("slug")],
    indexes: &[Index::Unique(&["shop", "slug"])],
}];

#[tokio::test]
async fn a_field_declared_later_is_filled_when_the_document_is_put_again() {
    let place = fresh();
    let store = open(&place.database, BEFORE).await;
    for id in [1, 2] {
        store.commit(Once::Nothing, Change::put(&BEFORE[0], id, 0, &"old").unwrap().with("shop", 1)).await.unwrap();
    }
    let store = open(&place.database, AFTERWARDS).await;
    let things = &AFTERWARDS[0];
    assert_eq!(store.find(things, Query::all().sort("slug", documents::Order::Up)).await.unwrap().docs.len(), 2);
    store.commit(Once::Nothing, Change::put(things, 1, 1, &"new").unwrap().with("shop", 1).with("slug", "a")).await.unwrap();
    assert_eq!(store.find_one(things, Query::all().is("slug", "a")).await.unwrap().unwrap().id, 1);
}

#[tokio::test]
async fn names_that_no_engine_could_take_are_refused() {
    static BAD: &[Collection] = &[Collection { name: "things; drop", fields: &[], indexes: &[] }];
    static TAKEN: &[Collection] = &[Collection { name: "things", fields: &[Field::int("version")], indexes: &[] }];
    static UNKNOWN: &[Collection] = &[Collection { name: "things", fields: &[], indexes: &[Index::On(&["shop"])] }];
    let place = fresh();
    for bad in [BAD, TAKEN, UNKNOWN] {
        let engine = Arc::new(Embedded::new(place.database.clone()));
        let refused = Store::open(engine, "lawful", bad, sql::testing::world()).await.unwrap_err();
        assert_eq!(refused.code, "document_field");
    }
}
