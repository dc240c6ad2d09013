//! The pages: served by the binary itself, with nothing beside it.

use std::process::{Command, Stdio};

use crate::platform::{Folder, Platform, comanda};

const BROWSER: (&str, &str) = ("accept", "text/html,*/*;q=0.8");

#[tokio::test]
async fn s0_c08_s4_c10_the_shop_is_in_the_binary() {
    let folder = Folder::new();
    let platform = Platform::start(&folder).await;
    let page = platform.get("/").await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    assert!(page.header("content-security-policy").contains("default-src 'self'"));
    // Whatever the page names is there too, and comes from here.
    let mut named = 0;
    for part in page.text.split('"').filter(|part| part.starts_with('/') && part.contains('.')) {
        let file = platform.get(part).await;
        assert_eq!((file.status, file.header("x-content-type-options")), (200, "nosniff"), "{part}");
        let again = platform.send("GET", part, &[("if-none-match", file.header("etag"))], b"").await;
        assert_eq!((again.status, again.text.as_str()), (304, ""), "{part}");
        named += 1;
    }
    assert!(named >= 2, "{}", page.text);
    assert!(!page.text.contains("://"), "{}", page.text);
    for (packing, first) in [("br", None), ("gzip", Some("\u{1f}"))] {
        let packed = platform.send("GET", "/", &[("accept-encoding", packing)], b"").await;
        assert_eq!((packed.status, packed.header("content-encoding"), packed.header("vary")), (200, packing, "Accept-Encoding"));
        assert!(packed.header("content-length").parse::<usize>().unwrap() < page.text.len(), "{packing}");
        assert!(first.is_none_or(|first| packed.text.starts_with(first)));
    }
    let head = platform.send("HEAD", "/", &[], b"").await;
    assert_eq!((head.status, head.text.len(), head.header("content-length")), (200, 0, page.text.len().to_string().as_str()));
    let nowhere = platform.send("GET", "/no-such-page", &[BROWSER], b"").await;
    assert_eq!((nowhere.status, nowhere.header("content-type")), (404, "text/html; charset=utf-8"));
    assert_eq!(platform.get("/no-such-page").await.problem(), "route_not_found");
}

#[tokio::test]
async fn whoever_works_on_pages_serves_a_folder_and_nothing_outside_it() {
    let folder = Folder::new();
    let web = folder.path().join("web");
    std::fs::create_dir_all(web.join("js")).unwrap();
    std::fs::write(folder.path().join("beside.txt"), "not for the world").unwrap();
    std::fs::write(web.join("index.html"), "my page").unwrap();
    let mut shell = Command::new("sh");
    shell
        .args(["-c", "binary=$1 web=$2; shift 2; exec \"$binary\" \"$@\" --web \"$web\"", "sh"])
        .arg(comanda().get_program())
        .arg(&web);
    shell.stderr(Stdio::null());
    let platform = Platform::start_command(&folder, shell, &[]).await;
    assert_eq!(platform.get("/").await.text, "my page");
    for path in ["/../beside.txt", "/js/../../beside.txt", "/js/%2e%2e/%2e%2e/beside.txt", "/js/..%2f..%2fbeside.txt"] {
        let answer = platform.get(path).await;
        assert!(answer.status == 404 && !answer.text.contains("world"), "{path}: {}", answer.text);
    }
}
