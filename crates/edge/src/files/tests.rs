//! The files through the router, without a socket.

use crate::tests::House;

/// What a browser sends.
const BROWSER: [(&str, &str); 2] =
    [("accept", "text/html,application/xhtml+xml,*/*;q=0.8"), ("accept-encoding", "gzip, deflate, br")];

#[tokio::test]
async fn a_page_comes_packed_as_the_browser_likes_and_once() {
    let house = House::new().await;
    let plain = house.get("/", &[]).await;
    assert_eq!((plain.status, plain.headers["content-type"].to_str().unwrap()), (200, "text/html; charset=utf-8"));
    assert!(plain.headers.get("content-encoding").is_none() && plain.text.starts_with("<!doctype html>"), "{}", plain.text);
    let mut tags = std::collections::BTreeSet::from([plain.headers["etag"].clone()]);
    for (accepted, packing) in [("gzip, deflate, br", "br"), ("gzip", "gzip")] {
        let packed = house.get("/", &[("accept-encoding", accepted)]).await;
        assert_eq!((packed.status, packed.headers["content-encoding"].to_str().unwrap()), (200, packing));
        assert_eq!(
            (packed.headers["vary"].to_str().unwrap(), packed.headers["cache-control"].to_str().unwrap()),
            ("Accept-Encoding", "no-cache")
        );
        assert_ne!(packed.text, plain.text, "{packing}");
        let tag = packed.headers["etag"].to_str().unwrap().to_owned();
        let again = house.get("/", &[("accept-encoding", accepted), ("if-none-match", &tag)]).await;
        assert_eq!((again.status, again.text.as_str(), again.headers["etag"].to_str().unwrap()), (304, "", tag.as_str()));
        let otherwise = house.get("/", &[("if-none-match", &tag)]).await;
        assert_eq!(otherwise.status, 200, "a tag names bytes, and these are others");
        tags.insert(packed.headers["etag"].clone());
    }
    assert_eq!(tags.len(), 3);
    let head = house.send("HEAD", "/", &BROWSER, axum::body::Body::empty()).await;
    assert_eq!((head.status, head.text.as_str()), (200, ""));
}

#[tokio::test]
async fn a_page_may_do_little_and_says_so() {
    let house = House::new().await;
    for (path, status) in [("/", 200), ("/index.html", 200), ("/no/such/page", 404)] {
        let page = house.get(path, &BROWSER).await;
        assert_eq!(page.status, status, "{path}");
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        for rule in
            ["default-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'", "img-src 'self' data:"]
        {
            assert!(policy.split("; ").any(|said| said == rule), "{path} lacks {rule}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        for header in ["referrer-policy", "permissions-policy", "cross-origin-opener-policy", "x-content-type-options"] {
            assert!(page.headers.contains_key(header), "{path} lacks {header}");
        }
    }
}

#[tokio::test]
async fn what_is_not_there_is_a_page_for_people_and_a_problem_for_programs() {
    let house = House::new().await;
    let page = house.get("/no/such/page", &BROWSER[..1]).await;
    assert_eq!((page.status, page.headers["content-type"].to_str().unwrap()), (404, "text/html; charset=utf-8"));
    assert!(page.text.starts_with("<!doctype html>"), "{}", page.text);
    assert_eq!(house.send("POST", "/no/such/page", &BROWSER, axum::body::Body::empty()).await.status, 404);
    for path in ["/v1/nowhere", "/api/nowhere"] {
        assert_eq!(house.get(path, &BROWSER).await.code(), "route_not_found", "{path}");
    }
    for path in ["/nowhere", "/css/none.css", "/js/../../../Cargo.toml", "/order", "/order/a/b"] {
        assert_eq!(house.get(path, &[("accept", "*/*")]).await.code(), "route_not_found", "{path}");
    }
    assert_eq!(
        house.send("POST", "/", &[("idempotency-key", "k")], axum::body::Body::empty()).await.code(),
        "method_not_allowed"
    );
}

#[tokio::test]
#[allow(clippy::disallowed_methods)] // A folder as somebody has it who works on pages.
async fn the_folder_of_somebody_who_works_on_pages_is_served_and_nothing_beside_it() {
    let around = std::env::temp_dir().join(format!("comanda-edge-web-{}", std::process::id()));
    let web = around.join("web");
    std::fs::create_dir_all(web.join("js/deep")).unwrap();
    std::fs::create_dir_all(web.join(".git")).unwrap();
    for (file, text) in [
        ("secret.txt", "no"),
        ("web/index.html", "mine"),
        ("web/js/deep/a.js", "1"),
        ("web/.git/config", "no"),
        ("web/sw.js", "2"),
    ] {
        std::fs::write(around.join(file), text).unwrap();
    }
    std::os::unix::fs::symlink(around.join("secret.txt"), web.join("js/out.txt")).unwrap();
    let house = House::with(|config| config.web = Some(web.clone())).await;
    for (path, text) in [("/", "mine"), ("/js/deep/a.js", "1"), ("/sw.js", "2")] {
        let file = house.get(path, &BROWSER).await;
        assert_eq!((file.status, file.text.as_str()), (200, text), "{path}");
        assert_eq!(house.get(path, &[("if-none-match", file.headers["etag"].to_str().unwrap())]).await.status, 304, "{path}");
    }
    std::fs::write(web.join("index.html"), "changed").unwrap();
    assert_eq!(house.get("/", &[]).await.text, "changed");
    for path in [
        "/js/out.txt",
        "/../secret.txt",
        "/js/../../secret.txt",
        "/js/%2e%2e/%2e%2e/secret.txt",
        "/js/..%2f..%2fsecret.txt",
        "/js/..\\..\\secret.txt",
        "/js//etc/passwd",
        "//etc/passwd",
        "/js/%00",
        "/.git/config",
        "/js/./deep/a.js",
        "/staff/../../secret.txt",
        "/js/deep",
    ] {
        let answer = house.get(path, &[]).await;
        assert_eq!(answer.status, 404, "{path}: {}", answer.text);
    }
    std::fs::remove_dir_all(around).unwrap();
}
