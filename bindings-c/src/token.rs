//! Decides what a handle is: a number that is looked up, so that a freed or foreign one is refused and never followed.
//!
//! A handle crosses the border as a pointer that points nowhere. Its bits name the kind of object, the place in that
//! kind's table, how often the place was given out, and, for a reply, which value of the tree is meant.

use std::{
    collections::VecDeque,
    sync::{Arc, PoisonError, RwLock},
};

/// Where an object stands in its table, as bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token(u64);

/// The objects of one kind that live.
pub(crate) struct Table<T> {
    kind: u64,
    places: RwLock<Places<T>>,
}

struct Places<T> {
    taken: Vec<Place<T>>,
    free: VecDeque<u32>,
}

struct Place<T> {
    generation: u64,
    object: Option<Arc<T>>,
}

const _: () = assert!(size_of::<usize>() == 8, "handles need pointers of 64 bits");

const NODE_BITS: u32 = 24;
const PLACE_BITS: u32 = 20;
const GENERATION_BITS: u32 = 15;

impl Token {
    /// The token of a pointer that came over the border.
    pub(crate) fn of<P>(pointer: *const P) -> Self {
        Self(pointer as u64)
    }

    /// The pointer that stands for it at the border.
    pub(crate) fn pointer<P>(self) -> *mut P {
        self.0 as *mut P
    }

    /// The same object with another value of its tree meant; `None` when the tree is too large to name it.
    pub(crate) fn at(self, node: usize) -> Option<Self> {
        let fits = node < 1 << NODE_BITS;
        fits.then_some(Self(self.0 >> NODE_BITS << NODE_BITS | node as u64))
    }

    /// Which value of the tree is meant; 0 is its root.
    pub(crate) fn node(self) -> usize {
        (self.0 & ((1 << NODE_BITS) - 1)) as usize
    }

    fn place(self) -> usize {
        (self.0 >> NODE_BITS & ((1 << PLACE_BITS) - 1)) as usize
    }

    fn generation(self) -> u64 {
        self.0 >> (NODE_BITS + PLACE_BITS) & ((1 << GENERATION_BITS) - 1)
    }

    fn kind(self) -> u64 {
        self.0 >> (NODE_BITS + PLACE_BITS + GENERATION_BITS)
    }
}

impl<T> Table<T> {
    /// An empty table; `kind` is 1 to 15 and no other table's.
    pub(crate) const fn new(kind: u64) -> Self {
        Self { kind, places: RwLock::new(Places { taken: Vec::new(), free: VecDeque::new() }) }
    }

    /// Takes an object in; `None` when a million of its kind live.
    pub(crate) fn insert(&self, object: T) -> Option<Token> {
        let mut places = self.places.write().unwrap_or_else(PoisonError::into_inner);
        // The place that has been free for longest: an old token stays wrong for as long as possible.
        let grows = places.taken.len() < 1 << PLACE_BITS && places.free.len() < KEPT_FREE;
        let index = if grows {
            places.taken.push(Place { generation: 0, object: None });
            places.taken.len() - 1
        } else {
            places.free.pop_front()? as usize
        };
        let place = &mut places.taken[index];
        place.generation = (place.generation + 1) & ((1 << GENERATION_BITS) - 1);
        place.object = Some(Arc::new(object));
        let generation = place.generation << (NODE_BITS + PLACE_BITS);
        Some(Token(self.kind << (NODE_BITS + PLACE_BITS + GENERATION_BITS) | generation | (index as u64) << NODE_BITS))
    }

    /// The object of a token; `None` when there is none, or no longer.
    pub(crate) fn find(&self, token: Token) -> Option<Arc<T>> {
        let places = self.places.read().unwrap_or_else(PoisonError::into_inner);
        let place = places.taken.get(token.place())?;
        let is_right = token.kind() == self.kind && place.generation == token.generation();
        is_right.then(|| place.object.clone())?
    }

    /// Takes an object out; it lives until its last user lets go of it.
    pub(crate) fn remove(&self, token: Token) -> Option<Arc<T>> {
        let mut places = self.places.write().unwrap_or_else(PoisonError::into_inner);
        let place = places.taken.get_mut(token.place())?;
        let is_right = token.kind() == self.kind && place.generation == token.generation();
        let object = is_right.then(|| place.object.take())??;
        places.free.push_back(token.place() as u32);
        Some(object)
    }
}

/// How many places rest before one is given out again.
const KEPT_FREE: usize = 64;

#[cfg(test)]
mod tests {
    use super::{Table, Token};

    #[test]
    fn an_object_is_found_until_it_is_removed() {
        let table = Table::new(3);

        let token = table.insert("a").expect("there is room");

        assert_eq!(table.find(Token::of(token.pointer::<u8>())).as_deref(), Some(&"a"));
        assert_eq!(table.remove(token).as_deref(), Some(&"a"));
        assert_eq!((table.find(token), table.remove(token)), (None, None));
    }

    #[test]
    fn a_freed_token_stays_wrong_when_its_place_is_given_out_again() {
        let table = Table::new(3);
        let old = table.insert(0).expect("there is room");
        table.remove(old).expect("it is there");

        let tokens: Vec<_> = (1..1000)
            .map(|number| {
                let token = table.insert(number).expect("there is room");
                table.remove(token).expect("it is there");
                token
            })
            .collect();

        assert!(tokens.iter().any(|token| token.place() == old.place()));
        assert!(tokens.iter().all(|token| *token != old && table.find(*token).is_none()));
        assert_eq!(table.find(old), None);
    }

    #[test]
    fn a_token_of_another_kind_finds_nothing() {
        let (pools, replies) = (Table::new(1), Table::new(2));
        let token = pools.insert(1).expect("there is room");
        replies.insert(2).expect("there is room");

        assert_eq!(replies.find(token), None);
        assert_eq!(replies.find(Token::of(std::ptr::null::<u8>())), None);
        assert_eq!(replies.find(Token::of(std::ptr::without_provenance::<u8>(usize::MAX))), None);
    }

    #[test]
    fn a_value_of_a_tree_has_a_token_of_its_own() {
        let table = Table::new(4);
        let root = table.insert(()).expect("there is room");

        let child = root.at(7).expect("the tree is small");

        assert_eq!((child.node(), child.at(0)), (7, Some(root)));
        assert!(table.find(child).is_some());
        assert_eq!(root.at(1 << 24), None);
    }
}
