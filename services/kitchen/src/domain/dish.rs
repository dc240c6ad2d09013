//! Dishes: the steps of a recipe, where and when they are booked, and the state that follows from the clock.

use base::Timestamp;

/// One step of a recipe, frozen when the order was placed.
///
/// A kind of station and a temperature are all that equipment has to be told, so virtual hardware can stand behind this
/// type later without the kitchen knowing: whoever drives an oven hears `cooking.started`, reads the ticket and sets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The kind of station it needs, such as `oven`.
    pub station_kind: String,
    /// How long it takes, in seconds at a time scale of one.
    pub seconds: i64,
    /// The temperature it needs, in degrees Celsius; 0 where none matters.
    pub celsius: i32,
}

/// A step with its place and its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BookedStep {
    /// Which station of the floor, counted from 0.
    pub station: usize,
    /// Which of its places, counted from 0.
    pub place: usize,
    /// When it begins.
    pub starts_at: Timestamp,
    /// When it ends.
    pub ends_at: Timestamp,
}

/// A step that a cook said was done before the clock did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// Which bump of the ticket it was, counted from 1; a recall without names undoes the last one.
    pub bump: u32,
    /// Which step of the dish, counted from 0.
    pub step: usize,
    /// How many microseconds of it were left, so that a recall books only those.
    pub left: i64,
}

/// How far a dish has come. The order of the states is the order in which a dish walks through them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DishState {
    /// Nothing was done yet.
    Queued,
    /// It is being prepared, or waits for its heat.
    Prepared,
    /// It is in the heat.
    Baking,
    /// It is out of the heat and being plated.
    Plated,
    /// It can be served.
    Ready,
}

impl DishState {
    /// Gives its name in the contract.
    pub fn name(self) -> &'static str {
        match self {
            DishState::Queued => "queued",
            DishState::Prepared => "prepared",
            DishState::Baking => "baking",
            DishState::Plated => "plated",
            DishState::Ready => "ready",
        }
    }
}

/// One line of a ticket: `quantity` dishes after the same recipe.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TicketLine {
    /// The line of the order, counted from 0.
    pub line: u32,
    /// The item's short name.
    pub slug: String,
    /// The size.
    pub size: String,
    /// The options chosen.
    pub options: Vec<String>,
    /// How many dishes it makes.
    pub quantity: u32,
    /// The recipe.
    pub steps: Vec<Step>,
    /// The booked steps of each dish; empty until the ticket is booked.
    pub booked: Vec<Vec<BookedStep>>,
    /// When the last of its dishes was to be ready as it was first booked; 0 until then. What comes later is late.
    pub promised_at: Timestamp,
    /// Whether a step ends only when a cook says so; else it ends by the clock too.
    pub by_hand: bool,
    /// By dish, what cooks said was done, in the order of the steps; shorter than the dishes while nobody said anything.
    pub cuts: Vec<Vec<Cut>>,
}

impl TicketLine {
    /// Tells how far a dish has come: closed-form, from its booked steps and the time.
    pub fn state_of(&self, dish: usize, now: Timestamp) -> DishState {
        let Some(booked) = self.booked.get(dish) else { return DishState::Queued };
        let at = self.step_at(dish, now);
        if at >= booked.len() {
            return DishState::Ready;
        }
        booked[..=at].iter().rposition(|step| step.starts_at <= now).map_or(DishState::Queued, |step| self.phase(step))
    }

    /// Gives the first step of a dish that is not done; the number of its steps when it is ready.
    pub fn step_at(&self, dish: usize, now: Timestamp) -> usize {
        let by_cooks = self.cuts_of(dish).last().map_or(0, |cut| cut.step + 1);
        if self.by_hand {
            return by_cooks;
        }
        let Some(booked) = self.booked.get(dish) else { return 0 };
        booked.iter().position(|step| step.ends_at > now).unwrap_or(booked.len()).max(by_cooks)
    }

    /// Gives what cooks said was done of a dish.
    pub fn cuts_of(&self, dish: usize) -> &[Cut] {
        self.cuts.get(dish).map_or(&[], Vec::as_slice)
    }

    /// Gives the first step to which a recall can take a dish back: those before it were ended by the clock.
    pub fn recallable(&self, dish: usize, now: Timestamp) -> Option<usize> {
        let mut first = self.step_at(dish, now);
        let here = first;
        for cut in self.cuts_of(dish).iter().rev() {
            if cut.step + 1 != first {
                break;
            }
            first = cut.step;
        }
        (first < here).then_some(first)
    }

    /// Tells what a step does for the dish: what comes before the heat prepares, what comes after it plates.
    ///
    /// A dish that needs no heat is plated by its last step, if it has more than one.
    fn phase(&self, step: usize) -> DishState {
        let is_hot = |step: &Step| step.celsius > 0;
        match (self.steps.iter().position(is_hot), self.steps.iter().rposition(is_hot)) {
            (Some(first), _) if step < first => DishState::Prepared,
            (_, Some(last)) if step <= last => DishState::Baking,
            (None, _) if step == 0 || step + 1 < self.steps.len() => DishState::Prepared,
            _ => DishState::Plated,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(station_kind: &str, celsius: i32) -> Step {
        Step { station_kind: station_kind.to_owned(), seconds: 10, celsius }
    }

    /// A dish whose steps take ten microseconds each, back to back from 100.
    fn dish(steps: Vec<Step>) -> TicketLine {
        let mut from = 100;
        let booked = steps.iter().map(|_| {
            from += 10;
            BookedStep { station: 0, place: 0, starts_at: Timestamp(from - 10), ends_at: Timestamp(from) }
        });
        let booked = vec![booked.collect()];
        TicketLine {
            line: 0,
            slug: "ham".into(),
            size: "M".into(),
            options: vec![],
            quantity: 1,
            steps,
            booked,
            ..TicketLine::default()
        }
    }

    fn walk(line: &TicketLine) -> Vec<&'static str> {
        [99, 100, 110, 119, 120, 129, 130, 140].into_iter().map(|now| line.state_of(0, Timestamp(now)).name()).collect()
    }

    #[test]
    fn s1_k03_a_pizza_is_queued_prepared_baking_plated_and_ready() {
        let pizza = dish(vec![step("prep", 0), step("oven", 300), step("pass", 0)]);
        assert_eq!(walk(&pizza), ["queued", "prepared", "baking", "baking", "plated", "plated", "ready", "ready"]);
    }

    #[test]
    fn a_salad_is_never_baked_and_a_dish_of_one_step_is_never_plated() {
        let salad = dish(vec![step("prep", 0), step("prep", 0), step("pass", 0)]);
        assert_eq!(walk(&salad), ["queued", "prepared", "prepared", "prepared", "plated", "plated", "ready", "ready"]);
        let olives = dish(vec![step("prep", 0)]);
        assert_eq!(walk(&olives)[..3], ["queued", "prepared", "ready"]);
    }

    #[test]
    fn what_is_heated_twice_bakes_in_between_and_never_goes_back() {
        let gratin = dish(vec![step("oven", 200), step("prep", 0), step("oven", 250)]);
        assert_eq!(walk(&gratin), ["queued", "baking", "baking", "baking", "baking", "baking", "ready", "ready"]);
    }

    #[test]
    fn an_unbooked_dish_is_queued_and_one_without_steps_is_ready_once_booked() {
        let mut bread = dish(vec![]);
        assert_eq!(bread.state_of(0, Timestamp(0)), DishState::Ready);
        bread.booked.clear();
        assert_eq!(bread.state_of(0, Timestamp(i64::MAX)), DishState::Queued);
    }
}
