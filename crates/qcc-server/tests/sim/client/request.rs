//! A client's request: its head, and a body of a length that no other has.

use super::*;

/// What clients offer, where they do.
pub(super) const TOOLS: &[&str] = &["run"];

/// With a name that is longer than most dialects allow.
const LONG_TOOLS: &[&str] =
    &["run", "mcp__a_server_with_a_rather_long_name__and_a_tool_whose_name_is_even_longer_than_that", "look.at"];

/// More tools, by what clients of a dialect may call them.
pub(super) fn tools_of(dialect: Dialect) -> &'static [&'static str] {
    if dialect == Dialect::Anthropic { &LONG_TOOLS[..2] } else { &["look", "run"] }
}

impl Session {
    pub(super) fn head(&self, wish: Wish, number: usize, length: usize, random: &mut Random) -> Bytes {
        let session = self.number;
        let path = if wish.kind == Kind::Count { "/v1/messages/count_tokens?beta=true" } else { self.dialect.path() };
        let dialect = match self.dialect {
            Dialect::Anthropic => {
                format!("X-Claude-Code-Session-Id: session-{session}\r\nanthropic-version: 2023-06-01")
            }
            _ => format!("X-Conversation-Id: session-{session}"),
        };
        // The one header that goes to providers of every dialect tells which request it is, and how it fares.
        let bad = wish.bad.unwrap_or_default();
        let mut text = format!(
            "POST {path} HTTP/1.1\r\nHost: 127.0.0.1:7860\r\nContent-Type: application/json\r\n\
             User-Agent: claude-cli/2.1.197 (external, cli) ask/{number} bad/{bad}\r\n{dialect}\r\n\
             Content-Length: {length}\r\n"
        );
        if let Some(seconds) = wish.announced {
            text += &format!("X-Stainless-Timeout: {seconds}\r\n");
        }
        let own = self.own.as_deref();
        let own_token = own.map(|own| format!("Authorization: Bearer {own}\r\n")).unwrap_or_default();
        if !self.clients.keys.is_empty() {
            text += &format!("x-api-key: {}\r\n", self.clients.keys[random.index(self.clients.keys.len())]);
            text += &own_token;
        } else if self.dialect == Dialect::Anthropic {
            text += &format!("x-api-key: {}\r\n", own.unwrap_or("proxy-managed"));
        } else {
            text += &own_token;
        }
        Bytes::from(text + "\r\n")
    }

    /// A body of a length that no other has, for the log's rows name it, and what its user says in short.
    pub(super) fn body(&self, wish: Wish, random: &mut Random) -> (Bytes, u64) {
        let wanted = match random.below(400) {
            // The estimate of tokens is slow where nothing is optimized.
            _ if wish.kind == Kind::Count => random.within(400..1000),
            0..345 => random.within(400..4000),
            345..394 => random.within(4000..30_000),
            394..399 => random.within(60_000..200_000),
            _ => random.within(200_000..2_000_000),
        } as usize;
        let (open, close) = self.dialect.ask(&Wanted {
            model: wish.model,
            tools: wish.tools,
            stream: wish.kind == Kind::Stream,
            counts: wish.counts,
            session: self.number,
            model_last: random.percent(15),
        });
        let open = open + "\\\"model\\\":\\\"fake\\\" é ";
        let mut lengths = self.clients.lengths.lock().expect("one thread");
        let mut length = wanted.max(open.len() + close.len());
        while !lengths.insert(length) {
            length += 1;
        }
        let pattern = format!("{:016x} and ", random.draw());
        let filler = length - open.len() - close.len();
        let filler = &pattern.repeat(filler / pattern.len() + 1)[..filler];
        let words = Book::hash(format!("\"model\":\"fake\" é {filler}").as_bytes());
        (Bytes::from([&open, filler, &close].concat()), words)
    }
}
