//! The story of a world as one page that needs nothing beside itself: lanes, arrows, faults, a filter by order.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::order::Ties;
use super::{Kind, Note};

/// The page without its story.
const PAGE: &str = include_str!("page.html");
/// Where the story goes.
const PLACE: &str = "/*STORY*/null";

/// Writes the page; `order` is shown first, if there is one.
pub fn page(title: &str, wrong: &[String], order: Option<&str>, notes: &[Note]) -> String {
    let ties = Ties::of(notes);
    let lanes = lanes(notes);
    let by_note = ties.by_note(notes);
    let rows: Vec<Value> = notes
        .iter()
        .zip(&by_note)
        .map(|(note, orders)| {
            let place = |who: &str| place(&lanes, who, note.node).map_or(-1, |lane| i64::try_from(lane).unwrap_or(-1));
            json!([
                u64::try_from(note.at.as_micros()).unwrap_or(u64::MAX),
                note.node,
                note.kind.name(),
                place(&note.who),
                note.to.as_deref().map_or(-1, place),
                note.answers.map_or(-1, |asked| i64::try_from(asked).unwrap_or(-1)),
                u8::from(note.bad),
                note.text,
                orders,
                note.words,
                note.step,
            ])
        })
        .collect();
    let story = json!({
        "title": title,
        "wrong": wrong,
        "order": order,
        "orders": ties.orders().collect::<Vec<_>>(),
        "lanes": lanes.iter().map(|(node, who)| json!([node, who])).collect::<Vec<_>>(),
        "rows": rows,
    });
    // Nothing that was said may end the script that holds it.
    PAGE.replace(PLACE, &story.to_string().replace('<', "\\u003c"))
}

/// Gives the lanes: everybody who speaks or commits, by machine.
fn lanes(notes: &[Note]) -> Vec<(u32, String)> {
    let speak = |note: &&Note| matches!(note.kind, Kind::Asked | Kind::Answered | Kind::Commit);
    let mut lanes: BTreeSet<(u32, String)> = notes.iter().filter(speak).map(|note| (note.node, note.who.clone())).collect();
    // An answer is told where it is heard, so whoever only answers may have no lane of its own yet.
    for whom in notes.iter().filter_map(|note| note.to.as_ref()) {
        if !lanes.iter().any(|(_, who)| who == whom) {
            lanes.insert((0, whom.clone()));
        }
    }
    let commits: BTreeSet<(u32, String)> =
        notes.iter().filter(|note| note.kind != Kind::Answered).map(|note| (note.node, note.who.clone())).collect();
    let is_doubled = |lane: &(u32, String)| !commits.contains(lane) && commits.iter().any(|(_, who)| *who == lane.1);
    lanes.into_iter().filter(|lane| !is_doubled(lane)).collect()
}

/// Finds the lane of somebody, on the same machine if they are there.
fn place(lanes: &[(u32, String)], who: &str, node: u32) -> Option<usize> {
    let here = lanes.iter().position(|(at, name)| *at == node && name == who);
    here.or_else(|| lanes.iter().position(|(_, name)| name == who))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_holds_the_story_and_asks_for_nothing_else() {
        let notes = [
            Note::new(Kind::Asked, "client", "POST </script>").to("gateway").on(0),
            Note::new(Kind::Answered, "gateway", "201").to("client").on(2).answering(0),
            Note::new(Kind::Asked, "gateway", "Place").to("orders").on(2),
            Note::new(Kind::Answered, "orders", "ok").to("gateway").on(2).answering(2),
            Note::new(Kind::Commit, "orders", "says order.created").on(3),
        ];
        let page = page("seed 3", &["NoOrderIsLost".to_owned()], None, &notes);
        assert!(page.contains("says order.created") && page.contains("NoOrderIsLost"));
        assert_eq!(page.matches("</script>").count(), 1, "what was said ends the script");
        for outside in ["http:", "https:", "src=", "@import", "url("] {
            assert!(!page.replace("http://www.w3.org/2000/svg", "").contains(outside), "the page holds {outside}");
        }
        let lanes = lanes(&notes);
        assert_eq!(lanes, [(0, "client".to_owned()), (2, "gateway".to_owned()), (3, "orders".to_owned())]);
    }
}
