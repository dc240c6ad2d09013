use super::*;

fn order(seed: u64) -> (Vec<u64>, u64) {
    let kernel = Kernel::new(seed, 100_000);
    let heard: Arc<Mutex<Vec<u64>>> = Arc::default();
    for name in 0..8 {
        let (kernel, heard, own) = (kernel.clone(), heard.clone(), kernel.clone());
        own.spawn(
            1,
            Box::pin(async move {
                kernel.sleep(Duration::from_secs(name % 3)).await;
                lock(&heard).push(name);
            }),
        );
    }
    let clock = kernel.clone();
    let ended = kernel.run(async move {
        clock.sleep(Duration::from_secs(10)).await;
        clock.now()
    });
    assert!(ended.unwrap() >= Duration::from_secs(10));
    let heard = lock(&heard).clone();
    (heard, kernel.trace().0)
}

#[test]
fn a_seed_decides_who_goes_first_and_time_jumps() {
    assert_eq!(order(3), order(3));
    let orders: BTreeSet<Vec<u64>> = (0..20).map(|seed| order(seed).0).collect();
    assert!(orders.len() > 10, "seeds give {} orders", orders.len());
    for heard in orders {
        let late: Vec<u64> = heard.iter().map(|name| name % 3).collect();
        assert!(late.is_sorted(), "alarms ring in their order: {heard:?}");
    }
}

#[test]
fn a_node_that_ends_does_nothing_more_and_one_that_freezes_goes_on_later() {
    let kernel = Kernel::new(1, 100_000);
    let beats: Arc<Mutex<BTreeMap<NodeId, u32>>> = Arc::default();
    for node in [1, 2] {
        let (inner, beats) = (kernel.clone(), beats.clone());
        let beat = async move {
            loop {
                inner.sleep(Duration::from_secs(1)).await;
                *lock(&beats).entry(node).or_default() += 1;
            }
        };
        kernel.spawn(node, Box::pin(beat));
    }
    let inner = kernel.clone();
    let main = async move {
        inner.sleep(Duration::from_millis(3_500)).await;
        inner.end(1);
        inner.freeze(2);
        inner.sleep(Duration::from_secs(10)).await;
        inner.thaw(2);
        inner.sleep(Duration::from_millis(1_500)).await;
    };
    kernel.run(main).unwrap();
    let beats = lock(&beats).clone();
    assert_eq!(beats[&1], 3);
    assert_eq!(beats[&2], 5, "one when it thawed, and one a second later");
}

#[test]
fn silence_and_endlessness_are_told_and_a_panic_ends_one_task_only() {
    let kernel = Kernel::new(1, 1_000);
    kernel.spawn(1, Box::pin(async { panic!("a defect") }));
    assert_eq!(kernel.run(std::future::pending::<()>()), Err(Stuck::Silence));
    assert_eq!(kernel.panics(), ["a defect"]);
    let busy = kernel.clone();
    let ended = kernel.run(async move {
        loop {
            busy.sleep(Duration::ZERO).await;
            let mut once = false;
            std::future::poll_fn(|context| {
                context.waker().wake_by_ref();
                if std::mem::replace(&mut once, true) { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
        }
    });
    let ended: Result<(), Stuck> = ended;
    assert_eq!(ended, Err(Stuck::TooLong));
}
