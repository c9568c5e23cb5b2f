//! Decides what a refusal teaches: a 400 that names a member, a role or a kind of content that this provider does not take
//! of this model. Then the request is written anew, without it, and asked once more; what was learned is remembered.
//!
//! What is known before is given, so that the same lesson is never learned twice: a provider that refuses the repeat for the
//! same reason has refused the request. Only translated requests are repaired. A refusal is read as its status, its code,
//! the member that it points at, and only then its text: wording can change.

use crate::canon::{Loss, Part, Request};
use crate::capabilities::{Capabilities, Member, Refused};
use crate::error::{ErrorFacts, Topic};

mod lessons;
mod said;
#[cfg(test)]
mod tests;
mod values;

use lessons::Lesson;
use said::Said;

/// What to do better.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repair {
    /// What is new, to be known before anything else of this model at this provider.
    pub learned: Capabilities,
    /// What holds for this request alone, and comes before even that.
    pub here: Capabilities,
    /// What the repeat is without.
    pub loss: Loss,
}

/// Reads a refusal: the facts of an error with its body. `request` is what was asked, `known` what it was written by.
/// `None`: there is nothing to learn, or nothing that `request` could be written better by.
#[must_use]
pub fn repair(facts: &ErrorFacts, body: &[u8], request: &Request, known: &Capabilities) -> Option<Repair> {
    let said = Said::of(facts, body);
    // Where a choice of providers is left to a relay, "not found" may mean: none that takes this.
    let of_request =
        matches!(facts.status, 400 | 422) || (facts.status == 404 && said.has("no endpoints found that support"));
    if of_request && facts.topic == Topic::ContextTooLong {
        return room(&said, request, known);
    }
    if !of_request || facts.topic != Topic::None {
        return None;
    }
    if said.has_one(UNPROVEN) {
        return unproven(request, known);
    }
    let Lesson { learned, what, how } = lessons::learn(&said, request, known)?;
    let new = learned.or(known) != *known;
    new.then(|| Repair { learned, here: Capabilities::UNKNOWN, loss: Loss { what: what.into(), how } })
}

/// What vendors say of thinking that they have not signed themselves, or that is not as they have signed it: Anthropic,
/// Google, OpenAI.
const UNPROVEN: &[&str] = &[
    "invalid `signature` in `thinking`",
    "in the latest assistant message cannot be modified",
    "corrupted thought signature",
    "invalid thought signature",
    "thought signature is not valid",
    "could not be verified",
    "could not be decrypted",
    "without its required following item",
];

/// A signature is good at the account, or the model, that gave it. Behind one name there may be several, and a conversation
/// that has moved would be refused for ever: so it goes without what was thought, this time.
fn unproven(request: &Request, known: &Capabilities) -> Option<Repair> {
    let thought = |part: &Part| matches!(part, Part::Thinking(_) | Part::Redacted(_));
    let has = request.turns.iter().flat_map(|turn| &turn.parts).any(thought);
    if !has || known.refused.has(Member::Reasoning) {
        return None;
    }
    let here = Capabilities { refused: Refused::these(&[Member::Reasoning]), ..Capabilities::UNKNOWN };
    let how = "left out in a repeat, for the provider does not know it as its own";
    Some(Repair {
        learned: Capabilities::UNKNOWN,
        here,
        loss: Loss { what: "messages.content.thinking".into(), how: how.into() },
    })
}

/// Answers of fewer tokens are not worth asking for: the client does better to shorten the conversation.
const LEAST_ROOM: u64 = 2_048;

/// Vendors that count prompt and answer together refuse what would fit but for the limit of the answer, which clients set
/// high whatever the prompt: then it is the limit that gives way.
fn room(said: &Said, request: &Request, known: &Capabilities) -> Option<Repair> {
    let asked = request.max_tokens?;
    let sent = known.max_output.map_or(asked, |most| most.min(asked));
    let left = values::room(said.text(), sent).filter(|left| *left >= LEAST_ROOM.min(sent) && *left < sent)?;
    let how = format!("clamped to {left}, for the prompt leaves no more room");
    let here = Capabilities { max_output: Some(left), ..Capabilities::UNKNOWN };
    Some(Repair { learned: Capabilities::UNKNOWN, here, loss: Loss { what: "max_tokens".into(), how: how.into() } })
}
