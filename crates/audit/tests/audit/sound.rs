//! A small platform on which five orders have ended, each in its own way, and nothing is on its way any more.
//!
//! All services and the provider are the real ones, but for the catalogue, which knows one dish.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use base::id::OrderId;
use base::{PlatformKey, Principal, Timestamp};
use embedded::rusqlite::Connection;
use host::testing::{Platform, Scratch, guest, staff};
use host::{IdSource, RealWorld};
use inventory_api::inventory_client::InventoryClient;
use kitchen_api::kitchen_client::KitchenClient;
use orders_api::orders_client::OrdersClient;
use orders_api::{CancelRequest, Contact, GetOrderRequest, LineRequest, Order, PlaceRequest};
use provider_mock::{Books, Settings};
use tokio::sync::oneshot;

use audit::{Inputs, JournalEntry, Report};

/// A pizza takes 0.42 seconds, so that there is time to cancel; the way to the door takes none.
const SETTINGS: [(&str, &str); 2] = [("kitchen_time_scale", "1000"), ("delivery_time_scale", "1000000")];

/// The sound platform's files, and the orders on it.
pub struct Sound {
    folder: Scratch,
    /// Each order by what became of it.
    pub orders: BTreeMap<&'static str, i64>,
    /// What the client wrote down.
    pub journal: Vec<JournalEntry>,
    ended: Timestamp,
}

/// A copy of the sound platform, to be spoilt.
pub struct Copy<'s> {
    sound: &'s Sound,
    database: PathBuf,
    books: PathBuf,
    /// What the client says was acknowledged.
    pub journal: Vec<JournalEntry>,
    /// Whether nothing is on its way.
    pub at_rest: bool,
}

/// Gives the sound platform; it is made once.
pub fn sound() -> &'static Sound {
    static SOUND: OnceLock<Sound> = OnceLock::new();
    SOUND.get_or_init(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime for the test");
        runtime.block_on(make())
    })
}

/// The key of platforms under test.
pub fn key() -> PlatformKey {
    PlatformKey::new(&[7; 32])
}

impl Sound {
    /// Copies the files.
    #[allow(clippy::disallowed_methods)] // Tests live on real files.
    pub fn copy(&self) -> Copy<'_> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let [database, books] = ["comanda", "provider"].map(|name| {
            let copy = self.folder.path().join(format!("{name}-{number}.db"));
            std::fs::copy(self.folder.path().join(format!("{name}-sound.db")), &copy).expect("the sound file can be copied");
            copy
        });
        Copy { sound: self, database, books, journal: self.journal.clone(), at_rest: true }
    }
}

impl Copy<'_> {
    /// Does something to the platform's data; `{card}` and the like stand for the orders, `{now}` for the present.
    pub fn spoil(&self, text: &str) {
        self.write(&self.database, text);
    }

    /// Does something to the provider's books.
    pub fn spoil_books(&self, text: &str) {
        self.write(&self.books, text);
    }

    fn write(&self, path: &Path, text: &str) {
        let mut text = text.replace("{now}", &self.sound.ended.micros().to_string());
        for (name, id) in &self.sound.orders {
            text = text.replace(&format!("{{{name}}}"), &id.to_string());
        }
        let connection = Connection::open(path).expect("the copy opens");
        connection.execute_batch("pragma ignore_check_constraints = on").expect("checks can be switched off");
        connection.execute_batch(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    }

    /// Audits the copy.
    pub fn audit(&self) -> Report {
        let key = key();
        let inputs = Inputs {
            provider_books: Some(&self.books),
            journal: self.journal.clone(),
            at_rest: self.at_rest,
            ..Inputs::new(&self.database, &key, self.sound.ended)
        };
        audit::run(&inputs).expect("the audit runs")
    }
}

impl Drop for Copy<'_> {
    #[allow(clippy::disallowed_methods)] // As above.
    fn drop(&mut self) {
        for path in [&self.database, &self.books] {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Those who order.
pub struct Customers<'p> {
    /// Where they order.
    pub platform: &'p Platform,
}

impl Customers<'_> {
    /// Places an order.
    pub async fn place(&self, device: i64, quantity: i64, payment: &str, token: &str) -> Order {
        let request = PlaceRequest {
            lines: vec![LineRequest { slug: "hawaiian".to_owned(), quantity, ..LineRequest::default() }],
            contact: Some(Contact {
                name: "Ёжик".to_owned(), address: "ул. Тестовая, 1".to_owned(), ..Contact::default()
            }),
            payment: payment.to_owned(),
            card_token: token.to_owned(),
            ..PlaceRequest::default()
        };
        let mut client = OrdersClient::new(self.platform.channel("orders", guest(device)));
        client.place(request).await.expect("the order is accepted").into_inner()
    }

    /// Waits until an order is in a state.
    pub async fn reaches(&self, order: &Order, state: &str) {
        let waiting = || async {
            let mut client = OrdersClient::new(self.platform.channel("orders", staff()));
            let seen =
                client.get_order(GetOrderRequest { order_id: order.order_id }).await.expect("the order is there").into_inner();
            Ok(if seen.state == state { Ok(()) } else { Err(seen.state) })
        };
        self.platform.eventually(state, waiting).await;
    }

    async fn is_paid(&self, order: &Order) {
        let waiting = || async {
            let paid = self.platform.events("order.paid").await;
            Ok(if paid.iter().any(|event| event.key == order.order_id) { Ok(()) } else { Err("not yet".to_owned()) })
        };
        self.platform.eventually("the order is paid", waiting).await;
    }
}

/// A platform at work with everything that orders need, and its provider.
pub struct Busy {
    /// The platform.
    pub platform: Platform,
    /// The folder of the platform's data and the provider's books.
    pub folder: Arc<Scratch>,
    _provider: oneshot::Sender<()>,
}

/// Starts all services.
pub async fn open() -> Busy {
    open_set(&[]).await
}

/// Starts all services, with settings.
pub async fn open_set(more: &[(&str, &str)]) -> Busy {
    let folder = Arc::new(Scratch::new());
    let (provider_url, provider) = provider(folder.path()).await;
    let stock = Arc::new(AtomicI64::new(0));
    let services = [
        crate::menu::service(stock.clone()),
        orders::service(),
        payments::service(),
        inventory::service(),
        kitchen::service(),
        delivery::service(),
        notifications::service(),
        analytics::service(),
    ];
    let mut settings: BTreeMap<String, String> =
        SETTINGS.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    settings.insert("provider_url".to_owned(), provider_url);
    let platform = Platform::start_with(folder.clone(), services, settings).await;
    stock.store(keep_cheese(&platform).await, Ordering::Relaxed);

    put_oven(&platform).await;
    Busy { platform, folder, _provider: provider }
}

async fn make() -> Sound {
    let Busy { platform, folder, _provider } = open().await;
    let customers = Customers { platform: &platform };
    let refunded = customers.place(4, 10, "card", "tok_visa").await;
    customers.is_paid(&refunded).await;
    let mut shop = OrdersClient::new(platform.channel("orders", staff()));
    shop.cancel(CancelRequest { order_id: refunded.order_id, reason: "the test wants so".to_owned() })
        .await
        .expect("it still bakes");
    let card = customers.place(1, 2, "card", "tok_visa").await;
    let cash = customers.place(2, 3, "cash", "").await;
    let declined = customers.place(3, 1, "card", "tok_declined").await;
    let short = customers.place(5, 900, "card", "tok_visa").await;
    for (order, state) in
        [(&card, "delivered"), (&cash, "delivered"), (&declined, "cancelled"), (&refunded, "cancelled"), (&short, "cancelled")]
    {
        customers.reaches(order, state).await;
    }
    platform.heard("payment.refunded", 1).await;
    rests(&platform, 5).await;

    let all = [("card", card), ("cash", cash), ("declined", declined), ("refunded", refunded), ("short", short)];
    let journal = all.iter().map(|(name, order)| JournalEntry {
        reference: (*name).to_owned(),
        order_id: OrderId(order.order_id),
        total_minor: order.total_minor,
    });
    let kept = Scratch::new();
    for (from, to) in [("comanda.db", "comanda-sound.db"), ("provider.db", "provider-sound.db")] {
        let file = Connection::open(folder.path().join(from)).expect("the file opens");
        file.execute("vacuum into ?1", [kept.path().join(to).to_string_lossy()]).expect("the file can be copied");
    }
    Sound {
        journal: journal.collect(),
        orders: all.iter().map(|(name, order)| (*name, order.order_id)).collect(),
        ended: platform.now(),
        folder: kept,
    }
}

/// Waits until of so many orders nobody holds stock, no money moves, nobody cooks or carries, and everybody has heard of everything.
pub async fn rests(platform: &Platform, orders: i64) {
    let file = Connection::open(platform.folder().join("comanda.db")).expect("the file opens");
    let text = format!(
        "select (select count(*) from inventory_reservations where state = 'held')
        + (select count(*) from payments_payments where state in ('reserved', 'expected', 'requested', 'withdrawing', 'promised', 'refunding'))
        + (select count(*) from orders_jobs) + (select count(*) from payments_jobs)
        + (select count(*) from kitchen_tickets where is_open) + (select count(*) from delivery_deliveries where is_open)
        + (select {orders} - count(*) from notifications_orders)
        + (select {orders} - coalesce(sum(delivered + cancelled), 0) from analytics_series where step = 'all')"
    );
    let open = || file.query_row(&text, [], |row| row.get::<_, i64>(0)).expect("the file can be read");
    platform
        .eventually("everything rests", || async { Ok(if open() == 0 { Ok(()) } else { Err(format!("{} are open", open())) }) })
        .await;
    platform.settled().await;
}

/// Gives the kitchen an oven with two places.
async fn put_oven(platform: &Platform) {
    let oven =
        kitchen_api::Station { shop_id: 1, slug: "oven".to_owned(), kind: "oven".to_owned(), places: 2, ..Default::default() };
    let mut client = KitchenClient::new(platform.writing("kitchen", Principal::platform("seeding"), "oven", ""));
    client
        .put_station(kitchen_api::PutStationRequest { station: Some(oven), reason: String::new() })
        .await
        .expect("the oven is put");
}

async fn keep_cheese(platform: &Platform) -> i64 {
    let mut client = InventoryClient::new(platform.channel("inventory", staff()));
    let item = inventory_api::AddItemRequest {
        shop_id: 1,
        slug: "mozzarella".to_owned(),
        name: BTreeMap::from([("en".to_owned(), "Mozzarella".to_owned())]),
        unit: "g".to_owned(),
        low_at: 100,
        initial: 12_000,
        reason: "opening".to_owned(),
    };
    let level = client.add_item(item).await.expect("the item is kept").into_inner();
    let edit = |version, quantity| inventory_api::EditRequest {
        stock_id: level.stock_id,
        quantity,
        version,
        reason: "a test".to_owned(),
    };
    let counted = client.count(edit(level.version, 11_900)).await.expect("it is counted").into_inner();
    client.waste(edit(counted.version, 50)).await.expect("some is wasted");
    level.stock_id
}

#[allow(clippy::disallowed_methods)] // A test is its own host: it opens the provider's socket.
async fn provider(folder: &Path) -> (String, oneshot::Sender<()>) {
    let world = RealWorld::begin(Arc::new(IdSource::new(1, 0))).expect("the world begins");
    let books = Books::open(&folder.join("provider.db"), world.clone()).await.expect("the books open");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a socket");
    let url = format!("http://{}", listener.local_addr().expect("its address"));
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = world.clone();
    world.spawn("provider", async move {
        let ended = async move { drop(stopped.await) };
        provider_mock::serve(listener, books, Settings::default(), serving, ended).await.expect("the provider serves");
    });
    (url, stop)
}
